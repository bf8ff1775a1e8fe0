"""`decide` under a calendar: closed instants are rows that say why, and nothing closed ever runs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobruns.engine.policy import Active, Pause, View, decide
from schedules.calendars.definition import read
from schedules.timing import Timing, closing, next_instant, occurrences, runs
from tests.schedules.random_calendars import BEGINS, DEFINITIONS, RULES, TIMINGS, under

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
OFFICE = read(
    {"weekdays": ["mon", "tue", "wed", "thu", "fri"], "closed_dates": ["2026-12-24 Christmas Eve", "2026-12-25"]}
)


def at(day, hour=9):
    return datetime(2026, 12, day, hour, tzinfo=UTC)


def daily(due, rule="skip", **options):
    return View(
        **{"schedule_id": 7, "timing": under(Timing("cron", cron="0 9 * * *"), OFFICE, rule), "due": due, **options}
    )


def outcome(verdict):
    """Return (day, hour, status, reason, count) of every decision."""
    return [
        (one.scheduled_for.day, one.scheduled_for.hour, one.status, one.reason, one.count)
        for one in verdict.decisions
    ]


def test_an_instant_on_a_closed_day_is_skipped_and_the_next_follows():
    verdict = decide(daily(at(25)), at(25))
    assert outcome(verdict) == [(25, 9, "skipped", "holiday", 1)]
    assert verdict.next_at == at(26)


def test_a_run_that_moves_is_a_fire_of_its_own():
    view = daily(at(25), "next", timing=under(Timing("cron", cron="0 9 25 * *"), OFFICE, "next"))
    first = decide(view, at(25))
    assert outcome(first) == [(25, 9, "skipped", "holiday", 1)]
    assert "moves to 2026-12-28 09:00" in first.decisions[0].why
    assert first.next_at == at(28)
    assert outcome(decide(replace(view, due=at(28)), at(28))) == [(28, 9, "pending", "", 1)]


@pytest.mark.parametrize(
    ("misfire", "expected"),
    [
        ("latest", [(22, "missed", "coalesced", 3), (23, "pending", "", 1), (27, "skipped", "holiday", 4)]),
        ("skip", [(27, "missed", "downtime", 8)]),
        (
            "all",
            [(day, "pending", "", 1) for day in (21, 22, 23)] + [(27, "skipped", "holiday", 4)],
        ),
    ],
)
def test_the_newest_open_instant_runs_after_downtime(misfire, expected):
    due = at(21) if misfire == "all" else at(20)
    found = decide(daily(due, misfire=misfire), at(27, 20))
    assert [(day, *rest) for day, _, *rest in outcome(found)] == expected


def test_downtime_over_closed_days_alone_is_one_row():
    verdict = decide(daily(at(24)), at(27, 20))
    assert outcome(verdict) == [(27, 9, "skipped", "holiday", 4)]
    assert "at each of these 4 instants" in verdict.decisions[0].why


def test_a_pause_over_closed_days_alone_says_that_it_was_closed():
    view = daily(at(24), pause=Pause(at(24, 0), at(27, 12), "latest"))
    assert outcome(decide(view, at(27, 12))) == [(27, 9, "skipped", "holiday", 4)]


def test_resuming_runs_the_newest_open_instant_of_the_pause():
    view = daily(at(22), pause=Pause(at(22, 0), at(26, 12), "latest"))
    found = outcome(decide(view, at(26, 12)))
    assert found == [(22, 9, "skipped", "paused", 1), (23, 9, "pending", "", 1), (26, 9, "skipped", "holiday", 3)]


def test_closed_instants_use_up_no_allowed_runs():
    assert outcome(decide(daily(at(25), fires_left=1), at(28))) == [
        (27, 9, "skipped", "holiday", 3),
        (28, 9, "pending", "", 1),
    ]


@st.composite
def situations(draw):
    timing = under(draw(TIMINGS), draw(DEFINITIONS), draw(RULES))
    begin = draw(BEGINS)
    due = next_instant(timing, begin)
    if due is None:
        return None
    now = due + draw(st.sampled_from([timedelta(0), timedelta(hours=1), 3 * DAY, 11 * DAY]))
    pause = None
    if draw(st.booleans()):
        pause = Pause(
            due, due + draw(st.timedeltas(timedelta(0), 8 * DAY)), draw(st.sampled_from(["none", "latest", "all"]))
        )
    view = View(
        schedule_id=7,
        timing=timing,
        due=due,
        misfire=draw(st.sampled_from(["latest", "all", "skip"])),
        overlap=draw(st.sampled_from(["skip", "buffer_all", "allow", "cancel_other"])),
        catchup_limit=draw(st.integers(1, 6)),
        fires_left=draw(st.none() | st.integers(0, 3)),
        pause=pause if pause is None or pause.ended <= now else None,
    )
    return view, now, Active(draw(st.integers(0, 2)), 0)


@settings(max_examples=150, deadline=None)
@given(situations())
def test_every_instant_has_one_row_and_no_closed_one_runs(situation):
    if situation is None:
        return
    view, now, active = situation
    due = occurrences(view.timing, view.due - SECOND, now, 100_000)
    decisions = decide(view, now, active).decisions
    settled = []
    for one in decisions:
        covered = [instant for instant in due if (one.since or one.scheduled_for) <= instant <= one.scheduled_for]
        assert len(covered) == one.count
        settled += covered
        shut = [instant for instant in covered if closing(view.timing, instant) is not None]
        assert not shut or one.status != "pending"
        assert (one.reason in {"holiday", "blackout"}) == (len(shut) == len(covered))
    assert settled == due
    assert len(decisions) <= 3 * view.catchup_limit + 4


@settings(max_examples=50, deadline=None)
@given(TIMINGS, DEFINITIONS, RULES, BEGINS)
def test_what_the_preview_shows_is_what_fires(bare, definition, rule, begin):
    timing, until = under(bare, definition, rule), begin + 12 * DAY
    fired, due = [], next_instant(timing, begin)
    while due is not None and due <= until:
        verdict = decide(View(schedule_id=7, timing=timing, due=due), due)
        fired += [one.scheduled_for for one in verdict.decisions if one.status == "pending"]
        due = verdict.next_at
    shown = []
    for instant in runs(timing, begin):
        if instant > until:
            break
        shown.append(instant)
    assert fired == shown
