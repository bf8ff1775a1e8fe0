"""What the environment says of single sign-on by OpenID Connect, and the settings that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from integrations.scopes import ROLES
from scheduler_site import environment as read

PROVIDER = "oidc"
APPS = ["allauth", "allauth.account", "allauth.socialaccount", "allauth.socialaccount.providers.openid_connect"]
NEEDED = ("SSO_OIDC_ISSUER", "SSO_OIDC_CLIENT_ID", "SSO_OIDC_CLIENT_SECRET")
HERE = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class SingleSignOn:
    """Whom to ask, who may come in, and which role a group gives. `roles` maps a group to a role."""

    issuer: str
    client_id: str
    client_secret: str
    name: str
    scopes: tuple[str, ...]
    groups_claim: str
    roles: Mapping[str, str]
    allowed_groups: frozenset[str]
    allowed_domains: frozenset[str]


def single_sign_on() -> SingleSignOn | None:
    """Return what is set, None if nothing is; raises ImproperlyConfigured, naming the variable."""
    found: dict[str, str] = {
        "SSO_OIDC_ISSUER": read.env.str("SSO_OIDC_ISSUER", default="").strip(),
        "SSO_OIDC_CLIENT_ID": read.env.str("SSO_OIDC_CLIENT_ID", default="").strip(),
        "SSO_OIDC_CLIENT_SECRET": read.env.str("SSO_OIDC_CLIENT_SECRET", default="").strip(),
    }
    if not any(found.values()):
        return None
    for name in NEEDED:
        if not found[name]:
            raise ImproperlyConfigured(f"{name} is not set; single sign-on needs {', '.join(NEEDED)}.")
    issuer = found["SSO_OIDC_ISSUER"].rstrip("/")
    parts = urlsplit(issuer)
    if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in HERE)):
        raise ImproperlyConfigured("SSO_OIDC_ISSUER must begin with https://.")
    if find_spec("allauth") is None:
        raise ImproperlyConfigured("SSO_OIDC_ISSUER is set, but the extra carillon[sso] is not installed.")
    return SingleSignOn(
        issuer=issuer,
        client_id=found["SSO_OIDC_CLIENT_ID"],
        client_secret=found["SSO_OIDC_CLIENT_SECRET"],
        name=read.env.str("SSO_NAME", default="").strip() or "single sign-on",
        scopes=tuple(read.items("SSO_SCOPES", default="openid,profile,email")),
        groups_claim=read.env.str("SSO_GROUPS_CLAIM", default="").strip() or "groups",
        roles=_roles(),
        allowed_groups=frozenset(read.items("SSO_ALLOWED_GROUPS")),
        allowed_domains=frozenset(domain.lower() for domain in read.items("SSO_ALLOWED_DOMAINS")),
    )


def allauth_settings(asked: SingleSignOn) -> dict[str, Any]:
    """Return the settings of django-allauth: this one provider, no forms, no mail, nothing kept but who it was."""
    app = {
        "provider_id": PROVIDER,
        "name": asked.name,
        "client_id": asked.client_id,
        "secret": asked.client_secret,
        "settings": {"server_url": asked.issuer},
    }
    provider = {"SCOPE": list(asked.scopes), "OAUTH_PKCE_ENABLED": True, "APPS": [app]}
    return {
        "SOCIALACCOUNT_PROVIDERS": {"openid_connect": provider},
        "SOCIALACCOUNT_ADAPTER": "scheduler_site.sso.Identities",
        "SOCIALACCOUNT_AUTO_SIGNUP": True,
        "SOCIALACCOUNT_EMAIL_REQUIRED": False,
        "SOCIALACCOUNT_EMAIL_VERIFICATION": "none",
        "SOCIALACCOUNT_STORE_TOKENS": False,
        "SOCIALACCOUNT_ONLY": True,
        "ACCOUNT_ADAPTER": "scheduler_site.sso.Accounts",
        "ACCOUNT_EMAIL_VERIFICATION": "none",
    }


def _roles() -> dict[str, str]:
    """Return group → role of SSO_ROLES, such as `sre=admin,on-call=operator`."""
    found: dict[str, str] = {}
    for pair in read.items("SSO_ROLES"):
        group, _equals, role = (part.strip() for part in pair.rpartition("="))
        if not group or role not in ROLES:
            raise ImproperlyConfigured(
                f"SSO_ROLES must be pairs such as on-call=operator, with {', '.join(ROLES)}; not {pair!r}."
            )
        found[group] = role
    return found
