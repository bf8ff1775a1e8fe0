import pytest
from hypothesis import given, settings

from schedules.timing import Timing, TimingError, sentence
from tests.schedules.test_timing_debian import EXPRESSION


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("* * * * *", "Every minute"),
        ("*/5 7-22 * * *", "Every 5 minutes, 07:00 to 22:59"),
        ("* 2 * * *", "Every minute, 02:00 to 02:59"),
        ("*/15 9-17,20 * * 1,3", "Every 15 minutes, 09:00 to 17:59 and 20:00 to 20:59, on Mondays and Wednesdays"),
        ("*/5 1,3,5,7,9 * * *", "Every 5 minutes, in the hours 1, 3, 5, 7 and 9"),
        ("7,22,37,52 * * * *", "Every 15 minutes from 7 minutes past each hour"),
        ("*/7 * * * *", "Every 7 minutes from each full hour"),
        ("1,2,30 * * * *", "At 1, 2 and 30 minutes past every hour"),
        ("5,17 1-5,9 * * *", "At 5 and 17 minutes past the hours 1 to 5 and 9"),
        ("0-10 11 * * *", "Every minute from 11:00 to 11:10"),
        ("0 * * * *", "Every hour"),
        ("1 * * * *", "Every hour, at 1 minute past"),
        ("0 */2 * * *", "Every 2 hours"),
        ("15 */2 * * *", "Every 2 hours, at 15 minutes past"),
        ("0 9-17 * * MON-FRI", "Every hour from 09:00 to 17:00, Monday to Friday"),
        ("30 2 * * *", "Every day at 02:30"),
        ("0 0,12 * * *", "Every day at 00:00 and 12:00"),
        ("0 0 * 1,2 *", "Every day at 00:00, in January and February"),
        ("15 6,12 * * 1-5", "At 06:15 and 12:15, Monday to Friday"),
        ("0 12 * * 1-3,5", "At 12:00, Monday to Wednesday and Friday"),
        ("30 2 * * 6,7", "At 02:30, on Saturdays and Sundays"),
        ("0 0 * 3-5 1", "At 00:00, on Mondays, in March to May"),
        ("0 0 1,15 * *", "At 00:00, on the 1st and 15th of the month"),
        ("0 0 25 12 *", "At 00:00, on the 25th of December"),
        ("0 0 1 */3 *", "At 00:00, on the 1st of January, April, July and October"),
        ("0 0 */2 * *", "At 00:00, on every 2nd day from the 1st of the month"),
        ("0 0 L * *", "At 00:00, on the last day of the month"),
        ("0 0 1,LW * *", "At 00:00, on the 1st and last weekday of the month"),
        ("0 0 * * 5L", "At 00:00, on the last Friday of the month"),
        ("0 0 * * 7#2", "At 00:00, on the second Sunday of the month"),
        ("0 0 13 * 5", "At 00:00, on the 13th of the month and also on Fridays"),
        ("0 0 1-7 * */7", "At 00:00, on the 1st to 7th of the month if it is a Sunday"),
        ("0 0 1-31 * 5", "Every day at 00:00"),
        ("0 0 5 * 0-7", "Every day at 00:00"),
        ("@weekly", "At 00:00, on Sundays"),
    ],
)
def test_an_expression_is_said_in_english(expression, said):
    assert sentence(Timing("cron", cron=expression)) == said


@given(expression=EXPRESSION)
@settings(deadline=None)
def test_any_expression_has_a_sentence(expression):
    try:
        said = sentence(Timing("cron", cron=expression))
    except TimingError:  # no date matches
        return
    assert said.startswith(("Every ", "At "))
    assert "  " not in said
    assert ", ," not in said
