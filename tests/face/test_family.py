"""Parents and children on a schedule's page, the chain and what holds a run up on a run's page."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from jobruns.engine import claims, endings, sql
from jobruns.models import JobRun
from jobruns.runner import Ending
from schedules.dependencies import Wanted
from schedules.limits import TagLimit
from schedules.models import Schedule
from tests.face.conftest import schedule
from tests.face.test_pages import text_of


@pytest.fixture
def chain(db: None) -> SimpleNamespace:
    """A parent that has just succeeded, and its child, whose run waits."""
    parent, child = schedule("import"), schedule("report")
    child.schedule_type, child.cron_expression = "manual", ""
    child.store(by="somebody", depends_on=[Wanted(schedule="import")])
    run = parent.runs.request(by="somebody")
    claims.claim_one(run.pk, "me")
    now = sql.now()
    endings.record([Ending(run_id=run.pk, attempt=1, status="success", started_at=now, finished_at=now)], "me")
    return SimpleNamespace(parent=parent, child=child, run=run, follower=child.runs.get())


def test_a_schedule_shows_what_it_waits_for_and_what_waits_for_it(pages: Client, chain: SimpleNamespace) -> None:
    text = text_of(pages.get(f"/schedules/{chain.child.pk}"))
    assert "When import has succeeded." in text
    assert "It runs when all of these have ended so." in text
    assert f'href="/schedules/{chain.parent.pk}"' in text
    assert f'href="/runs/{chain.run.pk}"' in text
    text = text_of(pages.get(f"/schedules/{chain.parent.pk}"))
    assert "What waits for it." in text
    assert f'href="/schedules/{chain.child.pk}"' in text


def test_a_deleted_parent_is_a_warning(pages: Client, chain: SimpleNamespace) -> None:
    chain.parent.discard(by="somebody")
    assert "It no longer runs by itself" in text_of(pages.get(f"/schedules/{chain.child.pk}"))


def test_a_run_shows_the_chain_that_it_belongs_to(pages: Client, chain: SimpleNamespace) -> None:
    for here, there in ((chain.run, chain.follower), (chain.follower, chain.run)):
        text = text_of(pages.get(f"/runs/{here.pk}"))
        assert "What ran under the same correlation id." in text
        assert f'href="/runs/{there.pk}"' in text


def test_a_run_alone_shows_no_chain(pages: Client, world: Any) -> None:
    assert "What ran under" not in text_of(pages.get(f"/runs/{world.failed.pk}"))


def test_a_run_that_waits_for_a_place_says_so(pages: Client, chain: SimpleNamespace) -> None:
    TagLimit(tag="slow", max_running=1).store(by="somebody")
    Schedule.objects.filter(pk__in=[chain.parent.pk, chain.child.pk]).update(tags=["slow"])
    claims.claim_one(chain.parent.runs.request(by="somebody").pk, "me")
    assert JobRun.objects.get(pk=chain.follower.pk).status == "pending"
    assert "the tag slow allows 1 at once, and 1 runs" in text_of(pages.get(f"/runs/{chain.follower.pk}"))
