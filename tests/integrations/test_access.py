"""A user who is limited to environments sees these and what is everybody's."""

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError

from integrations import access
from integrations.models import Channel
from jobruns.models import JobRun
from schedules.models import Schedule
from schedules.telling import NoticeRule


@pytest.fixture
def user(db):
    return User.objects.create_user("sten")


def fresh(user):
    return User.objects.get(pk=user.pk)


@pytest.fixture
def two_places(make_schedule):
    places = {}
    for place in ("staging", "production"):
        schedule = make_schedule(name="nightly", environment=place)
        schedule.runs.request(by="tester")
        places[place] = schedule
    for name, place in (("everywhere", ""), ("here", "staging"), ("there", "production")):
        Channel.objects.create(name=name, kind="email", environment=place)
        NoticeRule.objects.create(environment=place, event="failure", channels=[name])
    NoticeRule.objects.create(schedule=places["production"], event="success", channels=["there"])
    NoticeRule.objects.create(schedule=places["staging"], event="success", channels=["here"])
    return places


def test_a_user_without_a_limit_sees_everything(user, two_places):
    assert access.environments_of(user) is None
    assert Schedule.objects.visible_to(user).count() == 2
    assert Channel.objects.changeable_by(user).count() == 3


def test_a_limited_user_sees_his_environments_and_what_is_everybodys(user, two_places):
    access.limit(user, ["staging"])
    user = fresh(user)
    assert [one.environment for one in Schedule.objects.visible_to(user)] == ["staging"]
    assert [run.environment for run in JobRun.objects.visible_to(user)] == ["staging"]
    assert not two_places["production"].runs.visible_to(user).exists()
    assert {one.name for one in Channel.objects.visible_to(user)} == {"everywhere", "here"}
    rules = NoticeRule.objects.visible_to(user)
    assert sorted((rule.event, rule.channels[0]) for rule in rules) == [
        ("failure", "everywhere"),
        ("failure", "here"),
        ("success", "here"),
    ]


def test_a_limited_user_changes_only_what_is_of_his_environments(user, two_places):
    access.limit(user, ["staging"])
    user = fresh(user)
    assert {one.name for one in Channel.objects.changeable_by(user)} == {"here"}
    assert {rule.channels[0] for rule in NoticeRule.objects.changeable_by(user)} == {"here"}
    assert (
        access.elsewhere(user, "production") == access.elsewhere(user, "") == "Name an environment of yours: staging."
    )
    assert access.elsewhere(user, "staging") == ""


def test_a_superuser_is_never_limited(user, two_places):
    access.limit(user, ["staging"])
    User.objects.update(is_superuser=True)
    assert Schedule.objects.visible_to(fresh(user)).count() == 2


def test_a_stranger_and_an_inactive_user_see_nothing(user, two_places):
    User.objects.update(is_active=False)
    assert not Schedule.objects.visible_to(fresh(user)).exists()
    assert not Schedule.objects.visible_to(AnonymousUser()).exists()


def test_a_limit_is_lifted_by_naming_nothing(user):
    access.limit(user, ["staging"])
    access.limit(user, [])
    assert access.environments_of(fresh(user)) is None


@pytest.mark.parametrize("names", [[""], [" x"], ["a\x00"], ["x" * 51], [str(n) for n in range(51)]])
def test_what_is_no_environment_is_refused(user, names):
    with pytest.raises(ValidationError):
        access.limit(user, names)
    assert access.environments_of(fresh(user)) is None
