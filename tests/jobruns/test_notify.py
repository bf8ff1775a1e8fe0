"""What is told of runs, to whom, and in the same transaction as what it tells of."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from integrations.channels import Message
from integrations.models import Channel, Delivery
from jobruns import digests, rollups
from jobruns.engine import claims, endings, ledger, processes
from jobruns.models import JobRun
from schedules.models import Schedule
from schedules.telling import NoticeRule, subscribers

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel():
    def make(name, **fields):
        one = Channel(name=name, kind="email", **fields)
        one.offer({"recipients": [f"{name}@example.com"]})
        one.store(by="tester")
        return name

    return make


@pytest.fixture
def run(ending):
    """Return a function that runs a schedule once, ended as told; all attempts of one process."""
    owner = processes.register(1).name

    def once(schedule, status="failed", **fields):
        schedule.runs.request(by="tester")
        return again(status, **fields)

    def again(status="failed", **fields):
        JobRun.objects.filter(status="pending").update(available_at=timezone.now())
        [assignment] = claims.claim_ready(1, owner)
        endings.record([ending(assignment, status=status, **fields)], owner)
        return assignment.run_id

    once.again = again
    return once


def told():
    return [(one.event, one.channel_name) for one in Delivery.objects.order_by("pk") if one.channel_name]


def rule(event, *channels, **fields):
    one = NoticeRule(event=event, channels=list(channels), **fields)
    one.full_clean()
    one.save()
    return one


def test_a_failure_for_good_and_the_recovery_are_told_once(make_schedule, channel, run):
    schedule = make_schedule(channels=[channel("ops")], max_retries=0)
    for status in ("failed", "failed", "success", "success"):
        run(schedule, status)
    assert told() == [("run.failure", "ops"), ("run.failure", "ops"), ("run.recovery", "ops")]


def test_an_attempt_that_is_tried_again_is_not_told_but_the_last_one_is(make_schedule, channel, run):
    schedule = make_schedule(channels=[channel("ops")], max_retries=1)
    run(schedule)
    assert told() == []
    run.again()
    assert told() == [("run.failure", "ops")]


def test_a_success_of_a_second_attempt_is_no_recovery(make_schedule, channel, run):
    schedule = make_schedule(channels=[channel("ops")], max_retries=2)
    run(schedule)
    run.again("success")
    assert told() == []


def test_a_schedule_that_says_nothing_is_told_of_by_the_defaults_of_its_environment(make_schedule, channel, run):
    rule("failure", channel("all"))
    rule("failure", channel("tests"), environment="test")
    run(make_schedule(max_retries=0))
    run(make_schedule(max_retries=0, channels=[channel("own")]))
    run(make_schedule(max_retries=0, environment="test"))
    assert told() == [
        ("run.failure", "all"),
        ("run.failure", "own"),
        ("run.failure", "all"),
        ("run.failure", "tests"),
    ]


def test_so_many_failures_in_a_row_are_told_once(make_schedule, channel, run):
    schedule = make_schedule(max_retries=0)
    rule("repeated", channel("boss"), schedule=schedule, threshold=3)
    for _ in range(5):
        run(schedule)
    assert told() == [("run.repeated", "boss")]


def test_a_late_start_is_told(make_schedule, channel, run):
    schedule = make_schedule(max_retries=0)
    rule("late", channel("ops"), schedule=schedule, threshold=30)
    JobRun.objects.filter(pk=schedule.runs.request(by="x").pk).update(trigger="schedule")
    now = timezone.now()
    Schedule.objects.update(next_run_at=None)
    JobRun.objects.update(available_at=now - timedelta(seconds=90))
    owner = processes.register(1).name
    [assignment] = claims.claim_ready(1, owner)
    endings.record(
        [
            endings.Ending(
                run_id=assignment.run_id, attempt=1, status="success", started_at=now, finished_at=timezone.now()
            )
        ],
        owner,
    )
    assert told() == [("run.late", "ops")]
    assert "90 s late" in Delivery.objects.get().message["text"] or "min" in Delivery.objects.get().message["text"]


def test_missed_instants_are_told(make_schedule, channel):
    schedule = make_schedule(channels=[channel("ops")], interval_seconds=60, misfire_policy="skip")
    long_ago = timezone.now().replace(microsecond=0) - timedelta(hours=2)
    Schedule.objects.update(next_run_at=long_ago, anchor_at=long_ago - timedelta(seconds=60))
    ledger.fire_due()
    assert told() == [("run.missed", "ops")]
    assert "instants were missed" in Delivery.objects.get().message["text"]
    assert Delivery.objects.get().schedule_id == schedule.pk


def test_every_ending_is_posted_to_the_callback_signed(make_schedule, run):
    schedule = make_schedule(max_retries=1, callback_url="https://receiver.example.com/done")
    assert schedule.revealed["callback_secret"].startswith("whsec_")
    first = run(schedule)
    run.again("success")
    waiting = schedule.runs.request(by="tester")
    waiting.cancel(by="tester")
    calls = Delivery.objects.order_by("pk")
    bodies = [one.message["body"] for one in calls]
    assert [(body["status"], body["will_retry"], body["attempt_number"]) for body in bodies] == [
        ("failed", True, 1),
        ("success", False, 2),
        ("cancelled", False, 1),
    ]
    assert bodies[0]["execution_id"] == first
    assert {one.url for one in calls} == {schedule.callback_url}
    assert all(one.encrypted == schedule.callback_encrypted for one in calls)


def test_a_callback_secret_stays_until_a_new_one_is_asked_for(make_schedule):
    schedule = Schedule.objects.get(pk=make_schedule(callback_url="https://receiver.example.com/").pk)
    before = schedule.callback_encrypted
    schedule.description = "new"
    schedule.store(by="tester")
    assert (schedule.callback_encrypted, dict(schedule.revealed)) == (before, {})


def test_what_is_told_goes_away_with_what_it_tells_of(make_schedule, channel, run):
    schedule = make_schedule(channels=[channel("ops")], max_retries=0)

    with transaction.atomic():
        run(schedule)
        assert told()
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()
    assert not JobRun.objects.exists()


def test_a_channel_that_was_deleted_leaves_a_record(make_schedule, channel, run):
    schedule = make_schedule(channels=[channel("ops")], max_retries=0)
    Channel.objects.all().delete()
    run(schedule)
    assert told() == [("run.failure", "ops")]
    assert Delivery.objects.get().channel is None


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"event": "failure", "channels": []}, "channels"),
        ({"event": "failure", "channels": ["nobody"]}, "channels"),
        ({"event": "repeated", "channels": ["ops"]}, "threshold"),
        ({"event": "success", "channels": ["ops"], "threshold": 3}, "threshold"),
        ({"event": "failure", "channels": ["tests"], "environment": "production"}, "channels"),
    ],
)
def test_a_rule_that_could_tell_nobody_is_refused(channel, fields, field):
    channel("ops")
    channel("tests", environment="test")
    with pytest.raises(ValidationError) as refused:
        NoticeRule(**fields).full_clean()
    assert field in refused.value.message_dict


def test_own_rules_take_the_place_of_defaults():
    default = NoticeRule(event="failure", channels=["all"])
    own = NoticeRule(event="success", channels=["own"], schedule_id=1)
    assert subscribers([], [default, own]) == {("success", 0): {"own"}}
    assert subscribers([], [default]) == {("failure", 0): {"all"}}
    assert subscribers(["x"], [default])[("failure", 0)] == {"x"}


def test_a_digest_is_written_once_for_its_day_also_after_a_downtime(make_schedule, channel, run, settings):
    settings.SCHEDULER_TIMEZONE = "Europe/Riga"
    now = datetime(2026, 11, 25, 12, tzinfo=ZoneInfo("UTC"))
    one = rule("daily", channel("boss"))
    assert digests.post_due(now) == 0
    run(make_schedule(max_retries=0))
    JobRun.objects.update(queued_at=now - timedelta(hours=2))
    rollups.catch_up(timezone.now() + timedelta(days=9))
    later = now + timedelta(days=1)
    assert (digests.post_due(later), digests.post_due(later)) == (1, 0)
    [delivery] = Delivery.objects.filter(event="digest.daily")
    assert delivery.message["body"]["counts"] == {"successful": 0, "failed": 1, "missed": 0, "skipped": 0}
    assert digests.post_due(now + timedelta(days=9)) == 1
    one.refresh_from_db()
    assert one.told_at.astimezone(ZoneInfo("Europe/Riga")).hour == 6


def test_a_weekly_digest_ends_on_a_monday():
    end = digests.latest_end("weekly", datetime(2026, 11, 25, 12, tzinfo=ZoneInfo("UTC")))
    assert (end.weekday(), end.day) == (0, 23)
    assert Message("a", "b", "c").is_bad
