"""`decide` settles every due instant exactly once, within bounds, and says what its policies promise."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobruns.engine import delays, policy
from jobruns.engine.policy import Active, Pause, View, decide
from schedules.timing import Timing, occurrences

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def minutely(**options):
    """Return the view of a schedule that fires every minute and has 10:01 due first."""
    timing = Timing(kind="interval", interval_seconds=60, anchor=START)
    return View(**{"schedule_id": 7, "timing": timing, "due": START + MINUTE, **options})


def at(minute, second=0):
    return START + timedelta(minutes=minute, seconds=second)


def outcome(verdict):
    """Return (minute, status, reason, count) of every decision."""
    return [((one.scheduled_for - START) // MINUTE, one.status, one.reason, one.count) for one in verdict.decisions]


def test_nothing_is_decided_before_the_instant():
    verdict = decide(minutely(), at(0, 59))
    assert verdict.decisions == ()
    assert verdict.next_at == at(1)


def test_an_instant_runs_when_it_is_due():
    verdict = decide(minutely(), at(1))
    assert outcome(verdict) == [(1, "pending", "", 1)]
    assert verdict.next_at == at(2)


@pytest.mark.parametrize(
    ("misfire", "late_by", "expected"),
    [
        ("latest", 30, [(1, "pending", "", 1)]),
        ("latest", 50 * 60, [(50, "missed", "coalesced", 50), (51, "pending", "", 1)]),
        ("skip", 30, [(1, "pending", "", 1)]),
        ("skip", 50 * 60, [(50, "missed", "downtime", 50), (51, "pending", "", 1)]),
        ("all", 120, [(1, "pending", "", 1), (2, "pending", "", 1), (3, "pending", "", 1)]),
    ],
)
def test_lateness_is_settled_by_the_misfire_policy(misfire, late_by, expected):
    view = minutely(misfire=misfire, grace=timedelta(seconds=30))
    verdict = decide(view, at(1) + timedelta(seconds=late_by))
    assert outcome(verdict) == expected


def test_a_single_instant_beyond_its_grace_is_missed_for_that_reason():
    view = minutely(misfire="skip", grace=timedelta(seconds=30))
    assert outcome(decide(view, at(1, 45))) == [(1, "missed", "grace", 1)]


def test_a_single_late_instant_still_runs_where_the_newest_is_to_run():
    view = minutely(misfire="latest", grace=timedelta(0))
    assert outcome(decide(view, at(1, 45))) == [(1, "pending", "", 1)]


def test_the_oldest_are_dropped_beyond_the_catch_up_limit():
    verdict = decide(minutely(misfire="all", catchup_limit=3), at(10))
    assert outcome(verdict) == [
        (7, "missed", "downtime", 7),
        (8, "pending", "", 1),
        (9, "pending", "", 1),
        (10, "pending", "", 1),
    ]
    assert verdict.decisions[0].since == at(1)


def test_a_decade_of_downtime_is_one_row_and_one_run():
    verdict = decide(minutely(), START + timedelta(days=3653))
    assert [one.status for one in verdict.decisions if one.count > 1] == ["missed"]
    assert sum(one.count for one in verdict.decisions) == 3653 * 24 * 60
    assert len(verdict.decisions) <= 101


@pytest.mark.parametrize(
    ("overlap", "active", "status", "replaces"),
    [
        ("skip", Active(running=1), "skipped", ""),
        ("skip", Active(waiting=1), "skipped", ""),
        ("buffer_one", Active(running=1), "pending", ""),
        ("buffer_one", Active(running=1, waiting=1), "skipped", ""),
        ("buffer_all", Active(running=1, waiting=50), "pending", ""),
        ("buffer_all", Active(running=1, waiting=100), "skipped", ""),
        ("cancel_other", Active(running=1), "pending", "asked"),
        ("terminate_other", Active(running=1), "pending", "forced"),
        ("cancel_other", Active(), "pending", ""),
        ("allow", Active(running=1), "pending", ""),
        ("allow", Active(running=2), "skipped", ""),
    ],
)
def test_an_active_run_meets_the_overlap_policy(overlap, active, status, replaces):
    verdict = decide(minutely(overlap=overlap, max_instances=2), at(1), active)
    assert verdict.decisions[0].status == status
    assert verdict.replaces == replaces


def test_the_newest_takes_the_place_of_all_others_that_are_due():
    verdict = decide(minutely(overlap="cancel_other", misfire="all"), at(3), Active(running=1))
    assert outcome(verdict) == [(1, "skipped", "overlap", 1), (2, "skipped", "overlap", 1), (3, "pending", "", 1)]


def test_a_refused_overlap_says_what_was_in_the_way():
    verdict = decide(minutely(), at(1), Active(running=1, waiting=2))
    assert verdict.decisions[0].why == "The one before was not done: 1 of it ran and 2 waited."


@pytest.mark.parametrize(("catchup", "runs"), [("none", [5]), ("latest", [4, 5]), ("all", [1, 2, 3, 4, 5])])
def test_a_pause_is_settled_as_resuming_asked(catchup, runs):
    pause = Pause(started=at(0, 30), ended=at(4, 30), catchup=catchup)
    verdict = decide(minutely(pause=pause, overlap="buffer_all"), at(5))
    assert [minute for minute, status, _, _ in outcome(verdict) if status == "pending"] == runs
    assert sum(one.count for one in verdict.decisions) == 5
    assert {one.reason for one in verdict.decisions if one.status == "skipped"} <= {"paused"}


def test_the_end_of_a_pause_before_the_next_instant_fires_nothing():
    pause = Pause(started=at(0, 10), ended=at(0, 40), catchup="all")
    verdict = decide(minutely(pause=pause), at(1))
    assert outcome(verdict) == [(1, "pending", "", 1)]


def test_the_last_allowed_run_ends_the_schedule():
    verdict = decide(minutely(fires_left=1), at(1))
    assert outcome(verdict) == [(1, "pending", "", 1)]
    assert verdict.next_at is None


def test_instants_beyond_the_allowed_runs_say_so():
    verdict = decide(minutely(fires_left=1, misfire="all"), at(2))
    assert outcome(verdict) == [(1, "pending", "", 1), (2, "skipped", "max_runs", 1)]
    assert verdict.next_at is None


def test_instants_that_an_overlap_turned_away_use_up_no_allowed_run():
    verdict = decide(minutely(fires_left=2, misfire="skip", overlap="skip"), at(4))
    assert [status for _, status, _, _ in outcome(verdict)].count("pending") == 1
    assert {reason for _, _, reason, _ in outcome(verdict)} == {"", "overlap"}
    assert verdict.next_at == at(5)


def test_nothing_lies_beyond_the_end():
    timing = Timing(kind="interval", interval_seconds=60, anchor=START, end=at(3, 30))
    verdict = decide(minutely(timing=timing, misfire="all"), at(60))
    assert [minute for minute, *_ in outcome(verdict)] == [1, 2, 3]
    assert verdict.next_at is None


def test_a_one_time_instant_fires_once_however_late():
    timing = Timing(kind="one_time", at=at(1))
    verdict = decide(View(schedule_id=1, timing=timing, due=at(1)), at(900))
    assert outcome(verdict) == [(1, "pending", "", 1)]
    assert verdict.next_at is None


@st.composite
def situations(draw):
    """Draw a schedule, a moment and what is active, over at most a few hundred instants."""
    seconds = draw(st.sampled_from([1, 7, 60, 3600]))
    if draw(st.booleans()):
        timing = Timing(kind="interval", interval_seconds=seconds, anchor=START)
    else:
        zone = draw(st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe"]))
        expression = draw(st.sampled_from(["* * * * *", "*/7 * * * *", "30 1 * * *", "0 0 13 * 5"]))
        timing = Timing(kind="cron", cron=expression, zone=zone, start=START)
    first = occurrences(timing, START, START + timedelta(days=400), 1)[0]
    now = first + timedelta(seconds=draw(st.integers(-seconds, 400 * seconds)))
    pause = None
    if draw(st.booleans()):
        began = first + timedelta(seconds=draw(st.integers(-60, 200 * seconds)))
        pause = Pause(
            began,
            began + timedelta(seconds=draw(st.integers(0, 300 * seconds))),
            draw(st.sampled_from(["none", "latest", "all"])),
        )
    view = View(
        schedule_id=draw(st.integers(1, 10)),
        timing=timing,
        due=first,
        overlap=draw(
            st.sampled_from(["skip", "buffer_one", "buffer_all", "cancel_other", "terminate_other", "allow"])
        ),
        max_instances=draw(st.integers(1, 4)),
        misfire=draw(st.sampled_from(["latest", "all", "skip"])),
        grace=timedelta(seconds=draw(st.integers(0, 600))),
        catchup_limit=draw(st.integers(1, 20)),
        jitter_seconds=draw(st.sampled_from([0, 30])),
        fires_left=draw(st.one_of(st.none(), st.integers(0, 5))),
        pause=pause,
    )
    active = Active(draw(st.integers(0, 3)), draw(st.integers(0, 3)))
    return view, now, active


@given(situations())
def test_every_due_instant_is_settled_by_exactly_one_decision(situation):
    view, now, active = situation
    due = occurrences(view.timing, view.due - timedelta(seconds=1), now, 100_000)
    decisions = decide(view, now, active).decisions
    settled = []
    for one in decisions:
        since = one.since or one.scheduled_for
        covered = [instant for instant in due if since <= instant <= one.scheduled_for]
        assert len(covered) == one.count
        settled += covered
    assert settled == due


@given(situations())
def test_the_number_of_rows_is_bounded(situation):
    view, now, active = situation
    assert len(decide(view, now, active).decisions) <= 2 * view.catchup_limit + 2


@given(situations())
def test_the_next_instant_is_the_first_one_ahead_unless_all_runs_were_used(situation):
    view, now, active = situation
    verdict = decide(view, now, active)
    if verdict.next_at is not None:
        ahead = occurrences(view.timing, max(now, view.due - timedelta(seconds=1)), verdict.next_at, 2)
        assert ahead == [verdict.next_at]
    else:
        assert view.fires_left is not None


@given(situations())
def test_no_more_run_than_is_allowed(situation):
    view, now, active = situation
    pending = [one for one in decide(view, now, active).decisions if one.status == "pending"]
    if view.fires_left is not None:
        assert len(pending) <= view.fires_left
    if view.overlap in {"cancel_other", "terminate_other"}:
        assert len(pending) <= 1


@given(situations())
def test_a_decision_depends_on_nothing_else(situation):
    view, now, active = situation
    assert decide(view, now, active) == decide(view, now, active)


@given(situations())
def test_every_refusal_says_why(situation):
    view, now, active = situation
    for one in decide(view, now, active).decisions:
        assert (one.status == "pending") == (one.reason == "")
        assert one.status == "pending" or one.why.endswith(".")


@given(st.integers(1, 1000), st.integers(0, 10_000), st.integers(1, 3600))
def test_jitter_is_steady_and_below_its_bound(schedule_id, minute, seconds):
    view = minutely(schedule_id=schedule_id, jitter_seconds=seconds)
    delay = policy.jitter(view, at(minute))
    assert timedelta(0) <= delay < timedelta(seconds=seconds)
    assert policy.jitter(view, at(minute)) == delay


@given(st.floats(0, 3600), st.sampled_from(["exponential", "fixed"]), st.integers(1, 11), st.text())
def test_retries_wait_an_hour_and_a_tenth_at_most(base, backoff, attempt, key):
    seconds = delays.retry_delay(base, backoff, attempt=attempt, key=key).total_seconds()
    wanted = min(base * (2 ** (attempt - 1) if backoff == "exponential" else 1), 3600)
    assert wanted * 0.9 - 0.001 <= seconds <= wanted * 1.1 + 0.001


def test_the_start_is_put_off_but_the_instant_is_not():
    one = decide(minutely(jitter_seconds=600), at(1)).decisions[0]
    assert one.scheduled_for == at(1)
    assert at(1) < one.available_at < at(11)
