"""Signing in by OpenID Connect: a real server, and a real identity provider on this machine."""

import os
import subprocess
import sys
import urllib.parse

import pytest

from tests.security.identity import CLIENT, SECRET, Provider
from tests.security.webs import ROOT, USUAL, Visitor, Web, sentences

ADA = {"sub": "ada-1", "preferred_username": "ada", "email": "ada@example.com", "email_verified": True}
OPERATOR = {**ADA, "groups": ["staff", "on-call"]}


@pytest.fixture(scope="module")
def provider():
    made = Provider()
    yield made
    made.close()


@pytest.fixture(scope="module")
def web(provider, tmp_path_factory):
    made = Web(
        tmp_path_factory.mktemp("web"),
        SSO_OIDC_ISSUER=provider.issuer,
        SSO_OIDC_CLIENT_ID=CLIENT,
        SSO_OIDC_CLIENT_SECRET=SECRET,
        SSO_NAME="the <Harbour> login",
        SSO_ROLES="on-call=operator, lead=admin",
        SSO_ALLOWED_GROUPS="staff",
        SSO_ALLOWED_DOMAINS="example.com",
    )
    yield made
    made.close()


@pytest.fixture(autouse=True)
def fresh(provider):
    provider.reset()


@pytest.fixture
def visitor(web):
    return Visitor(web.address)


def sign_in(visitor, provider, claims, path="/sso/login"):
    provider.claims = claims
    return visitor.get(path)


def users(web):
    return web.ask(
        "[[u.username, u.email, u.has_usable_password(), u.is_staff, sorted(g.name for g in u.groups.all())]"
        " for u in User.objects.order_by('username')]"
    )


def test_who_is_in_a_mapped_group_comes_in_with_its_role(web, provider, visitor):
    login = visitor.get("/login?next=/runs")
    assert "Sign in with the &lt;Harbour&gt; login" in login.text
    assert 'href="/sso/login?next=/runs"' in login.text
    arrived = sign_in(visitor, provider, OPERATOR, "/sso/login?next=/runs")
    assert (arrived.status, arrived.url) == (200, f"{web.address}/runs")
    assert ["ada", "ada@example.com", False, True, ["operator"]] in users(web)
    assert visitor.get("/api/v1/schedules").status == 200
    assert {"scope", "state", "code_challenge"} <= provider.asked.keys()
    assert (provider.asked["response_type"], provider.asked["code_challenge_method"]) == ("code", "S256")
    session = next(cookie for cookie in visitor.cookies if cookie.name == "sessionid")
    assert session.has_nonstandard_attr("HttpOnly")


def test_signing_in_stands_in_the_audit_trail(web, provider, visitor):
    sign_in(visitor, provider, {**OPERATOR, "sub": "joan-1", "preferred_username": "joan"})
    entries = "[[e.actor, e.actor_id == e.object_id, e.source] for e in AuditEntry.objects.filter(act='login')]"
    assert ["joan", True, "page"] in web.ask(entries)


def test_the_role_follows_the_groups_at_the_next_sign_in(web, provider, visitor):
    grace = {**ADA, "sub": "g", "preferred_username": "grace", "groups": ["staff", "lead"]}
    sign_in(visitor, provider, grace)
    assert ["grace", "ada@example.com", False, True, ["admin"]] in users(web)
    sign_in(Visitor(web.address), provider, {**grace, "groups": ["staff"]})
    assert ["grace", "ada@example.com", False, False, []] in users(web)
    assert visitor.get("/schedules").status == 403


def test_a_name_that_is_taken_belongs_to_who_has_it(web, provider, visitor):
    web.ask("User.objects.create_superuser('chief', email='chief@example.com').pk")
    claims = {**ADA, "sub": "thief", "preferred_username": "chief", "email": "chief@example.com", "groups": ["staff"]}
    assert sign_in(visitor, provider, claims).status == 403
    assert [one[0] for one in users(web) if one[1] == "chief@example.com" and one[3] is False] != ["chief"]
    assert web.ask("User.objects.get(username='chief').socialaccount_set.count()") == 0


@pytest.mark.parametrize(
    ("claims", "sentence"),
    [
        ({**ADA, "groups": ["guests"]}, "You are in none of the groups"),
        (ADA, "You are in none of the groups"),
        ({**OPERATOR, "email": "ada@example.com.evil.org"}, "not of a domain"),
        ({**OPERATOR, "email_verified": False}, "not of a domain"),
        ({**OPERATOR, "email_verified": "true"}, "not of a domain"),
        ({key: value for key, value in OPERATOR.items() if key != "sub"}, "did not say clearly who you are"),
    ],
)
def test_who_may_not_come_in_is_told_so_and_becomes_no_user(web, provider, visitor, claims, sentence):
    before = web.ask("User.objects.count()")
    answer = sign_in(visitor, provider, {**claims, "preferred_username": "mallory"})
    assert (answer.status, urllib.parse.urlsplit(answer.url).path) == (200, "/login")
    assert sentence in sentences(answer.text)
    assert "sessionid" not in {cookie.name for cookie in visitor.cookies} or visitor.get("/schedules").url.endswith(
        "/login?next=/schedules"
    )
    assert web.ask("User.objects.count()") == before


def test_two_answers_about_two_people_let_nobody_in(provider, visitor):
    provider.info = {"sub": "somebody-else"}
    assert "did not say clearly" in sentences(sign_in(visitor, provider, OPERATOR).text)


def test_an_inactive_user_stays_out(web, provider, visitor):
    claims = {**OPERATOR, "sub": "i", "preferred_username": "idle"}
    sign_in(visitor, provider, claims)
    web.ask("User.objects.filter(username='idle').update(is_active=False)")
    assert visitor.get("/schedules").url.endswith("/login?next=/schedules")
    answer = sign_in(Visitor(web.address), provider, claims)
    assert "Your user is not active." in sentences(answer.text)


def test_a_provider_that_is_away_or_says_no_leads_back_with_a_sentence(provider, visitor):
    provider.cancels = True
    assert "Signing in was cancelled." in sentences(visitor.get("/sso/login").text)
    provider.down = True
    answer = visitor.get("/sso/login")
    assert answer.status == 200
    assert "cannot be reached" in sentences(answer.text)


def test_an_answer_that_nobody_asked_for_signs_nobody_in(web, provider, visitor):
    provider.claims = OPERATOR
    for query in ("?code=x&state=forged", "?code=x", ""):
        answer = visitor.get(f"/sso/oidc/callback{query}")
        assert "Signing in did not work." in sentences(answer.text)
    assert visitor.get("/api/v1/schedules").status == 401


def test_it_leads_to_pages_of_ours_only(web, provider, visitor):
    answer = sign_in(visitor, provider, OPERATOR, "/sso/login?next=https://evil.example/")
    assert answer.url == f"{web.address}/"


@pytest.mark.parametrize(
    "path",
    ["signup", "login/cancelled", "social/signup", "password/reset", "email", "3rdparty", "inactive", "logout"],
)
def test_nothing_else_of_the_package_can_be_reached(visitor, path):
    for start in ("", "accounts/", "sso/", "sso/oidc/"):
        if (start, path) != ("", "logout"):
            assert visitor.get(f"/{start}{path}").status == 404, start + path
            assert visitor.get(f"/{start}{path}/").status == 404, start + path


def test_a_sign_in_cannot_be_turned_into_joining_accounts(web, provider, visitor):
    sign_in(visitor, provider, OPERATOR)
    other = {**OPERATOR, "sub": "other", "preferred_username": "other"}
    sign_in(visitor, provider, other, "/sso/login?process=connect")
    assert web.ask("User.objects.get(username='ada').socialaccount_set.count()") == 1


def test_the_secret_is_on_no_page(web, visitor, provider):
    sign_in(visitor, provider, {**OPERATOR, "groups": ["staff", "lead"]})
    for path in ("/login", "/admin/", "/api/v1/schema", "/"):
        assert SECRET not in visitor.get(path).text
    assert "socialaccount" not in visitor.get("/admin/").text


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"SSO_OIDC_ISSUER": "https://id.example.com"}, "SSO_OIDC_CLIENT_ID"),
        ({"SSO_OIDC_CLIENT_SECRET": "x"}, "SSO_OIDC_ISSUER"),
        ({"SSO_OIDC_ISSUER": "http://id.example.com"}, "SSO_OIDC_ISSUER"),
        ({"SSO_ROLES": "on-call=king"}, "SSO_ROLES"),
        ({"SSO_ROLES": "operator"}, "SSO_ROLES"),
    ],
)
def test_a_wrong_setting_stops_the_process_and_names_the_variable(told, named):
    whole = {"SSO_OIDC_ISSUER": "https://id.example.com", "SSO_OIDC_CLIENT_ID": "a", "SSO_OIDC_CLIENT_SECRET": "b"}
    alone = any(name.startswith("SSO_OIDC") and "http:" not in value for name, value in told.items())
    environment = {**os.environ, **USUAL, **({} if alone else whole), **told}
    command = [sys.executable, "-c", "import scheduler_site.settings"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"ImproperlyConfigured: {named}" in done.stderr


def test_without_it_the_sign_in_page_shows_no_button(client, db):
    assert "/sso/" not in client.get("/login").content.decode()
    assert client.get("/sso/login").status_code == 404
