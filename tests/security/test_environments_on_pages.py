"""To a user of one environment, pages and the workshop show nothing of another, and offer none of it."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from integrations.models import Channel
from jobruns.models import JobRun
from schedules.models import Schedule
from tests.admin.conftest import filled

PAGES = [
    "/",
    "/?all=1",
    "/schedules",
    "/schedules?q=nightly",
    "/schedules?q=status:deleted nightly",
    "/runs?span=all",
    "/runs?q=env:production&span=all",
    "/runs?q=production&span=all",
    "/admin/schedules/schedule/",
    "/admin/schedules/schedule/?environment=production",
    "/admin/schedules/calendar/",
    "/admin/schedules/noticerule/",
    "/admin/schedules/schedule/add/?job_type=http_request",
    "/admin/schedules/noticerule/add/",
    "/admin/integrations/channel/",
    "/admin/integrations/connection/",
    "/admin/integrations/delivery/",
    "/admin/jobruns/jobrun/",
    "/admin/jobruns/jobrun/?q=nightly",
]


@pytest.fixture
def local(worlds, person):
    client = Client()
    client.user = person("admin", "staging")
    client.force_login(client.user)
    return client


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_nothing_of_elsewhere(local, page):
    answer = local.get(page)
    assert answer.status_code == 200
    said = answer.content.decode()
    asked = 'value="env:production"', 'value="production"', "env:production", "q=production", '<div class="where"'
    for one in (*asked, "Production"):
        said = said.replace(one, "")
    assert "production " not in said


def test_runs_that_share_a_correlation_id_are_no_chain_over_the_border(local, worlds):
    said = local.get(f"/runs/{worlds['staging'].run.pk}").content.decode()
    assert "production nightly" not in said


def test_what_waits_for_a_schedule_elsewhere_is_not_named(local, worlds, person):
    child, parent = worlds["production"].schedule, worlds["staging"].schedule
    child.dependencies.create(parent=parent)
    assert "production nightly" not in local.get(f"/schedules/{parent.pk}").content.decode()


def test_an_act_on_many_reaches_only_what_one_sees(local, worlds):
    here, there = worlds["staging"].schedule, worlds["production"].schedule
    local.post("/schedules/act/run", {"id": [here.pk, there.pk], "sure": "1"})
    local.post("/schedules/act/run", {"all": "1", "q": "nightly", "sure": "1"})
    assert here.runs.count() == 3
    assert there.runs.count() == 1


def test_the_workshop_puts_nothing_elsewhere(local, worlds):
    address = "/admin/schedules/schedule/add/?job_type=noop"
    sent = filled(local, address, name="fresh", cron_expression="*/5 * * * *", environment="production")
    answer = local.post(address, sent)
    assert answer.status_code == 200
    assert "environment" in answer.context["adminform"].form.errors
    assert local.post(address, {**sent, "environment": "staging"}).status_code == 302
    assert Schedule.objects.get(name="fresh").owner == local.user
    address = "/admin/integrations/channel/add/?kind=email"
    sent = filled(local, address, name="fresh", recipients="ops@example.com")
    assert "environment" in local.post(address, sent).context["adminform"].form.errors
    assert local.post(address, {**sent, "environment": "staging"}).status_code == 302


def test_the_workshop_takes_no_calendar_of_elsewhere(local, worlds):
    address = f"/admin/schedules/schedule/{worlds['staging'].schedule.pk}/change/"
    answer = local.post(address, filled(local, address, calendar=worlds["production"].calendar.pk))
    assert "calendar" in answer.context["adminform"].form.errors


@pytest.mark.parametrize("kind", ["integrations/channel", "integrations/connection", "schedules/calendar"])
def test_the_workshop_shows_what_is_everybodys_and_lets_it_be(local, worlds, kind):
    one = getattr(worlds[""], kind.partition("/")[2])
    address = f"/admin/{kind}/{one.pk}"
    assert local.get(f"{address}/change/").status_code == 200
    assert local.post(f"{address}/change/", {"name": "other"}).status_code == 403
    assert local.post(f"{address}/delete/", {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [one.pk], "post": "yes"}
    local.post(f"/admin/{kind}/", chosen)
    assert type(one).objects.filter(pk=one.pk, name=one.name).exists()


def test_acts_of_the_workshop_reach_only_what_one_sees(local, worlds):
    there = worlds["production"]
    chosen = {"action": "run_again", "_selected_action": [there.run.pk]}
    local.post("/admin/jobruns/jobrun/", chosen)
    assert there.schedule.runs.count() == 1
    gone = {"action": "delete_selected", "_selected_action": [there.channel.pk], "post": "yes"}
    local.post("/admin/integrations/channel/", gone)
    assert Channel.objects.filter(pk=there.channel.pk).exists()


def test_a_run_of_a_schedule_that_moved_away_starts_nothing_there(local, worlds):
    one = worlds["staging"]
    Schedule.objects.filter(pk=one.schedule.pk).update(environment="production")
    assert local.get(f"/runs/{one.run.pk}").status_code == 200
    assert local.post(f"/runs/{one.run.pk}/again").status_code == 404
    local.post("/admin/jobruns/jobrun/", {"action": "run_again", "_selected_action": [one.run.pk]})
    assert JobRun.objects.filter(schedule=one.schedule).count() == 1


def test_a_viewer_sees_no_button_that_he_may_not_use(worlds, person):
    client = Client()
    client.force_login(person("viewer"))
    one = worlds["staging"]
    for page in (f"/schedules/{one.schedule.pk}", "/schedules", f"/runs/{one.run.pk}"):
        said = client.get(page).content.decode()
        for word in ("Run now", "Pause…", "Backfill…", "Run again", "New schedule", "Edit</a>"):
            assert word not in said
    assert User.objects.count() == 1
