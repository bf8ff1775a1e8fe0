from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from jobtypes.sql_alert.incidents import AGAIN, Settings, State, Told, decide, notice

T = datetime(2026, 3, 29, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def walk(statuses, settings=Settings()):  # noqa: B008 - frozen
    state, events = State(), []
    for number, status in enumerate(statuses.split()):
        decision = decide(state, {"o": "OK", "a": "ALERT", "e": "ERROR"}[status], T + number * MINUTE, settings)
        state = decision.state
        events.append((decision.opens, decision.closes))
    return state, events


def opened(statuses, settings):
    return [number for number, (opens, _) in enumerate(walk(statuses, settings)[1]) if opens]


def test_an_alert_opens_at_once_and_closes_at_once_by_default():
    _, events = walk("o a a o a")
    assert events == [(None, ()), ("alert", ()), (None, ()), (None, ("alert",)), ("alert", ())]


def test_a_new_alert_may_open_too():
    assert walk("a")[1] == [("alert", ())]


def test_so_many_in_a_row_are_awaited():
    assert opened("a a o a a a a", Settings(alert_after=3)) == [5]


def test_so_many_good_ones_close_it():
    state, events = walk("a o o a o o o", Settings(recover_after=3))
    assert events[-1] == (None, ("alert",))
    assert [closes for _, closes in events[:-1]] == [()] * 6
    assert state.standing == "ok"


def test_errors_open_an_incident_of_their_own_and_leave_the_alert_open():
    state, events = walk("a e e e e o")
    assert [opens for opens, _ in events] == ["alert", None, None, "error", None, None]
    assert events[-1] == (None, ("error", "alert"))
    assert state.errors == 0


def test_errors_do_not_break_a_row_of_alerts():
    assert opened("a e a e a", Settings(alert_after=3)) == [4]


def test_the_first_answer_closes_the_incident_of_errors_even_if_it_is_bad():
    _, events = walk("e e e a")
    assert events[-1] == ("alert", ("error",))


@given(
    st.lists(st.sampled_from("oae"), max_size=60),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(1, 4),
)
def test_incidents_of_a_kind_open_and_close_in_turn(statuses, alert_after, recover_after, error_after):
    settings = Settings(alert_after=alert_after, recover_after=recover_after, error_after=error_after)
    is_open = {"alert": False, "error": False}
    state, events = walk(" ".join(statuses), settings)
    for opens, closes in events:
        for kind in closes:
            assert is_open[kind]
            is_open[kind] = False
        if opens:
            assert not is_open[opens]
            is_open[opens] = True
    assert is_open["alert"] == (state.standing == "alert")
    assert is_open["error"] == state.in_error


def owes(now=T, *, instant=None, held=False, last_opening_at=None, settings=Settings(), **told):  # noqa: B008
    known = Told(kind=told.pop("kind", "alert"), opened_at=told.pop("opened_at", T), **told)
    return notice(known, settings, now, held=held, instant=instant, last_opening_at=last_opening_at)


def test_an_opening_is_owed_at_once():
    assert owes() == "alert"
    assert owes(kind="error") == "error"


def test_nothing_is_told_while_it_is_held_back():
    assert owes(held=True) == ""
    assert owes(held=True, accepted=True, rounds=1, told_for=T, instant=T + timedelta(days=3)) == ""


def test_openings_keep_their_least_distance():
    settings = Settings(min_interval=timedelta(minutes=10))
    assert owes(T, last_opening_at=T - 9 * MINUTE, settings=settings) == ""
    assert owes(T, last_opening_at=T - 10 * MINUTE, settings=settings) == "alert"


def test_an_opening_under_way_is_not_posted_again():
    assert owes(T + AGAIN, rounds=1, under_way=True, posted_at=T, instant=T + AGAIN) == ""


def test_an_opening_that_every_channel_gave_up_is_posted_again_by_a_further_result():
    later = T + AGAIN
    assert owes(later, rounds=1, posted_at=T, instant=later) == "alert"
    assert owes(later - MINUTE, rounds=1, posted_at=T, instant=later - MINUTE) == ""
    assert owes(later, rounds=1, posted_at=T) == ""  # without a result


def test_reminders_are_counted_from_instant_to_instant():
    settings = Settings(renotify=timedelta(hours=1))
    told = {"accepted": True, "rounds": 1, "told_for": T, "settings": settings}
    late = T + timedelta(hours=1, seconds=9)
    assert owes(late, instant=T + timedelta(hours=1), **told) == "reminder"
    assert owes(late, instant=T + timedelta(minutes=59), **told) == ""
    assert owes(late, **told) == ""
    assert owes(late, instant=T + timedelta(hours=1), acknowledged=True, **told) == ""
    assert owes(late, instant=T + timedelta(hours=1), kind="error", **told) == ""


def test_no_reminders_without_an_interval():
    far = T + timedelta(days=30)
    assert owes(far, instant=far, accepted=True, rounds=1, told_for=T, settings=Settings(renotify=timedelta(0))) == ""


def test_escalation_climbs_one_step_at_a_time_until_somebody_acknowledges():
    settings = Settings(escalate_after=[timedelta(minutes=30), timedelta(hours=1)])
    told = {"accepted": True, "rounds": 1, "told_for": T, "settings": settings}
    assert owes(T + 29 * MINUTE, **told) == ""
    assert owes(T + 30 * MINUTE, **told) == "escalation"
    assert owes(T + 31 * MINUTE, escalations=1, **told) == ""
    assert owes(T + 60 * MINUTE, escalations=1, **told) == "escalation"
    assert owes(T + 90 * MINUTE, escalations=2, **told) == ""
    assert owes(T + 30 * MINUTE, acknowledged=True, **told) == ""
