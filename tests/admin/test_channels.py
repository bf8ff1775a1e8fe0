"""Channels and deliveries in the workshop: real fields for each kind, and no secret that comes out again."""

import pytest

from integrations.channels import Message
from integrations.models import Channel, Delivery
from tests.admin.conftest import filled
from tests.webserver import Site

pytestmark = pytest.mark.django_db
LIST = "/admin/integrations/channel/"
SECRET = "sesame-open-sesame"


@pytest.fixture
def site(settings):
    server = Site()
    settings.OUTBOUND_ALLOWLIST = [f"127.0.0.1:{server.port}"]
    yield server
    server.close()


def new(client, kind, **typed):
    page = f"{LIST}add/?kind={kind}"
    return client.post(page, filled(client, page, **typed))


def change(channel):
    return f"{LIST}{channel.pk}/change/"


def test_the_kind_of_a_channel_is_chosen_first(boss):
    page = boss.get(f"{LIST}add/").content.decode()
    for kind in ("email", "slack", "webhook", "apprise"):
        assert f'href="?kind={kind}"' in page


def test_a_mail_channel_takes_one_address_a_line(boss):
    new(boss, "email", name="ops", recipients="a@example.com\r\n\r\nb@example.com")
    channel = Channel.objects.get()
    assert channel.shown["recipients"] == ["a@example.com", "b@example.com"]
    assert "b@example.com" in boss.get(change(channel)).content.decode()
    bad = boss.post(change(channel), filled(boss, change(channel), recipients="nobody"))
    assert "is no e-mail address" in bad.content.decode()


def test_a_signing_secret_is_shown_on_its_own_page_only(boss, site):
    page = new(boss, "webhook", name="pager", url=site.url, headers=f"Authorization: {SECRET}")
    channel = Channel.objects.get()
    secret = channel.secrets["signing_secret"]
    assert secret in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    for address in (LIST, change(channel)):
        shown = boss.get(address).content.decode()
        assert secret not in shown
        assert SECRET not in shown
    assert boss.post(change(channel), filled(boss, change(channel), description="new")).status_code == 302
    assert Channel.objects.get().secrets == {"headers": {"Authorization": SECRET}, "signing_secret": secret}
    fresh = boss.post(f"{LIST}{channel.pk}/rotate/").content.decode()
    assert Channel.objects.get().secrets["signing_secret"] in fresh
    assert secret not in fresh


def test_a_slack_address_is_kept_when_it_is_left_out(boss):
    new(boss, "slack", name="night", webhook_url=f"https://hooks.slack.com/{SECRET}")
    channel = Channel.objects.get()
    assert boss.post(change(channel), filled(boss, change(channel), username="bell")).status_code == 302
    stored = Channel.objects.get()
    assert (stored.shown["username"], stored.secrets["webhook_url"]) == ("bell", f"https://hooks.slack.com/{SECRET}")


def test_a_test_message_is_sent_from_the_workshop(boss, site):
    new(boss, "webhook", name="pager", url=site.url)
    channel = Channel.objects.get()
    page = boss.post(f"{LIST}{channel.pk}/test/", follow=True)
    assert "It was taken" in page.content.decode()
    assert len(site.received) == 1


def test_deliveries_are_read_and_sent_again_but_not_edited(boss, site):
    new(boss, "webhook", name="pager", url=site.url)
    Delivery.objects.post(Message("run.failed", "nightly", "FAILED", text="It <b>failed</b>"), Channel.objects.all())
    Delivery.objects.update(status="failed")
    delivery = Delivery.objects.get()
    listing = "/admin/integrations/delivery/"
    page = boss.get(f"{listing}{delivery.pk}/change/").content.decode()
    assert "It &lt;b&gt;failed" in page
    assert 'name="_save"' not in page
    boss.post(listing, {"action": "send_again", "_selected_action": [delivery.pk]})
    assert Delivery.objects.get().status == "pending"
