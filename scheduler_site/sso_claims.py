"""What an identity provider says of somebody: may he come in, and with which role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations import scopes
from scheduler_site.sso_settings import SingleSignOn


def merged(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims of ID token and userinfo, the latter over the former; {} if they tell of two people."""
    token, info = extra.get("id_token") or {}, extra.get("userinfo") or {}
    if token and info and token.get("sub") != info.get("sub"):
        return {}
    return {**token, **info}


def groups(claims: Mapping[str, Any], claim: str) -> list[str]:
    """Return the groups in a claim: a list or one word; `a.b` is also looked for as b within a."""
    found: Any = claims.get(claim)
    if found is None:
        found = claims
        for part in claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return [found]
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def refusal(claims: Mapping[str, Any], asked: SingleSignOn) -> str:
    """Return why somebody may not come in, as a word for the log; "" if he may."""
    if not isinstance(claims.get("sub"), str | int) or not claims["sub"]:
        return "unclear"
    if asked.allowed_groups and not asked.allowed_groups & set(groups(claims, asked.groups_claim)):
        return "groups"
    domain = str(claims.get("email") or "").rpartition("@")[2].lower()
    verified = claims.get("email_verified") is True
    if asked.allowed_domains and not (verified and domain in asked.allowed_domains):
        return "domain"
    return ""


def role(claims: Mapping[str, Any], asked: SingleSignOn) -> str:
    """Return the highest role that his groups give, "" for none."""
    return scopes.highest(asked.roles[name] for name in groups(claims, asked.groups_claim) if name in asked.roles)
