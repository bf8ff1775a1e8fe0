"""Connections and tokens in the workshop: what is secret goes in and never comes out."""

import pytest
from django.contrib.auth.models import User

from integrations.models import ApiToken, Connection
from tests.admin.conftest import errors, filled
from tests.sftp import Place
from tests.webserver import Site

pytestmark = pytest.mark.django_db
LIST = "/admin/integrations/connection/"
SECRET = "sesame-open-sesame"


@pytest.fixture
def site():
    server = Site()
    yield server
    server.close()


def new(client, kind, **typed):
    page = f"{LIST}add/?kind={kind}"
    return client.post(page, filled(client, page, **typed))


def change(connection):
    return f"{LIST}{connection.pk}/change/"


def test_the_kind_is_chosen_first(boss):
    page = boss.get(f"{LIST}add/").content.decode()
    assert 'href="?kind=sql"' in page
    assert 'href="?kind=http"' in page


def test_a_password_is_kept_and_shown_nowhere(boss):
    new(boss, "sql", name="shop", address=f"postgresql://reader:{SECRET}@127.0.0.1/shop")
    shop = Connection.objects.get()
    assert shop.secrets == {"password": SECRET}
    assert (shop.created_by, shop.address) == ("boss", "postgresql://reader:***@127.0.0.1/shop")
    for address in (LIST, change(shop), f"{LIST}{shop.pk}/history/"):
        assert SECRET not in boss.get(address).content.decode()


def test_an_edit_that_leaves_the_password_out_keeps_it(boss):
    new(boss, "sql", name="shop", address="postgresql://reader@127.0.0.1/shop", password=SECRET)
    shop = Connection.objects.get()
    assert boss.post(change(shop), filled(boss, change(shop), description="new")).status_code == 302
    stored = Connection.objects.get()
    assert (stored.description, stored.secrets) == ("new", {"password": SECRET})


def test_secret_headers_are_masked_and_kept(boss, settings):
    settings.OUTBOUND_ALLOWLIST = ["127.0.0.1"]
    new(boss, "http", name="api", address="http://127.0.0.1/v1", headers=f"Authorization: Bearer {SECRET}")
    api = Connection.objects.get()
    sent = filled(boss, change(api))
    assert sent["headers"] == "Authorization: ***"
    assert boss.post(change(api), {**sent, "headers": "Authorization: ***\r\nX-More: 1234"}).status_code == 302
    assert Connection.objects.get().secrets == {"headers": {"Authorization": f"Bearer {SECRET}", "X-More": "1234"}}


def test_a_new_destination_asks_for_the_secret_again(boss, settings):
    settings.OUTBOUND_ALLOWLIST = ["127.0.0.1"]
    new(boss, "http", name="api", address="http://127.0.0.1/v1", headers=f"Authorization: Bearer {SECRET}")
    api = Connection.objects.get()
    answer = boss.post(change(api), filled(boss, change(api), address="http://127.0.0.1:9/else"))
    assert "written again" in errors(answer)["headers"]
    assert Connection.objects.get().address == "http://127.0.0.1/v1"


def test_a_forbidden_address_is_refused_at_its_field(boss):
    assert list(errors(new(boss, "http", name="meta", address="http://169.254.169.254/"))) == ["address"]
    assert not Connection.objects.exists()


def test_the_test_button_says_what_came_of_it(boss, settings, site):
    settings.OUTBOUND_ALLOWLIST = ["127.0.0.1"]
    connection = Connection(name="api", kind="http", address=site.url)
    connection.store(by="tester")
    answer = boss.post(f"{LIST}{connection.pk}/test/", follow=True)
    assert "answered 200" in " ".join(str(message) for message in answer.context["messages"])


def test_the_test_button_says_why_it_failed(boss, settings):
    settings.OUTBOUND_ALLOWLIST = ["127.0.0.1"]
    connection = Connection(name="api", kind="http", address="http://127.0.0.1:9/")
    connection.store(by="tester")
    answer = boss.post(f"{LIST}{connection.pk}/test/", follow=True)
    assert [message.level_tag for message in answer.context["messages"]] == ["error"]


def test_a_token_is_shown_once_and_passes_through_no_cookie(boss):
    address = "/admin/integrations/apitoken/add/"
    answer = boss.post(address, filled(boss, address, name="ci"))
    text = answer.context["text"]
    token = ApiToken.objects.get()
    assert token.matches(text)
    assert text in answer.content.decode()
    assert answer.headers["Cache-Control"].startswith("no-store")
    assert not any(text in cookie.value for cookie in boss.cookies.values())
    for page in ("/admin/integrations/apitoken/", f"/admin/integrations/apitoken/{token.pk}/change/"):
        assert text not in boss.get(page).content.decode()


def test_a_token_that_would_be_stale_at_once_is_refused(boss):
    address = "/admin/integrations/apitoken/add/"
    answer = boss.post(address, filled(boss, address, name="ci", expires_at="2020-01-01T00:00"))
    assert "passed" in errors(answer)["expires_at"]
    assert not ApiToken.objects.exists()


def test_a_revoked_token_is_refused_from_then_on(boss):
    token, _text = ApiToken.issue(user=boss.user, name="ci")
    boss.post("/admin/integrations/apitoken/", {"action": "revoke", "_selected_action": [token.pk], "index": "0"})
    assert ApiToken.objects.get().revoked_at is not None


def test_nobody_issues_a_token_with_the_rights_of_another(person_who_may):
    root = User.objects.create_superuser("root")
    ApiToken.issue(user=root, name="root's own")
    clerk = person_who_may("integrations.add_apitoken", "integrations.view_apitoken")
    address = "/admin/integrations/apitoken/add/"
    answer = clerk.post(address, {"user": root.pk, "name": "climb", "expires_at": ""})
    assert list(errors(answer)) == ["user"]
    assert "root" not in clerk.get("/admin/integrations/apitoken/").content.decode()


@pytest.fixture
def files(tmp_path):
    with Place(tmp_path / "remote") as place:
        yield place


def test_a_server_of_files_is_typed_in_parts_and_its_key_confirmed_later(boss, files):
    typed = {name: str(value) for name, value in files.fields.items() if name != "host_key"}
    assert new(boss, "sftp", name="erp", **typed).status_code == 302
    erp = Connection.objects.get()
    assert files.host_key in boss.post(f"{LIST}{erp.pk}/test/", follow=True).content.decode()
    assert boss.post(change(erp), filled(boss, change(erp), host_key=files.host_key)).status_code == 302
    page = boss.post(f"{LIST}{erp.pk}/test/", follow=True).content.decode()
    assert "/ holds 0 files." in page
    assert files.fields["password"] not in page


def test_another_host_in_the_form_needs_the_secrets_again(boss, files):
    new(boss, "sftp", name="erp", host="files.example.test", username="erp", private_key=SECRET)
    erp = Connection.objects.get()
    sent = filled(boss, change(erp), host="evil.example.test")
    assert errors(boss.post(change(erp), sent)) == {
        "private_key": "Host, port or user changed, so the private key must be written again."
    }
    assert SECRET not in boss.get(change(erp)).content.decode()
    sent = filled(boss, change(erp), no_private_key="on")
    assert boss.post(change(erp), sent).status_code == 302
    assert Connection.objects.get().secrets == {}


def test_what_cannot_be_a_server_of_files_is_said_at_its_field(boss):
    told = errors(new(boss, "sftp", name="erp", host="0x7f.1", username="erp"))
    assert list(told) == ["host"]
    told = errors(new(boss, "sftp", name="erp", host="files.example.test", username="erp", host_key="MD5:00"))
    assert list(told) == ["host_key"]


def test_an_address_that_the_environment_holds_stays_where_it_is(boss):
    Connection(name="erp", kind="sftp", address="${ERP_SFTP}").store(by="anna")
    erp = Connection.objects.get()
    assert boss.post(change(erp), filled(boss, change(erp), description="new")).status_code == 302
    assert (Connection.objects.get().address, Connection.objects.get().description) == ("${ERP_SFTP}", "new")
