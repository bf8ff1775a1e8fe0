"""Which HTTP headers a person may set. Pure."""

import re
from collections.abc import Mapping

TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]{0,8000}")
OF_THE_WIRE = {
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
SECRET = {"authorization", "cookie", "x-api-key", "api-key", "x-auth-token"}
OF_CARILLON = {"idempotency-key", "x-correlation-id", "traceparent"}


def refusals(headers: Mapping[str, str], *, secret: bool) -> list[str]:
    """Return a sentence for each header that may not be set; `secret` ones belong to a connection."""
    found = [] if len(headers) <= 50 else [f"At most 50 headers; these are {len(headers)}."]
    names = [name.lower() for name in headers]
    found += [f"The header {name} is given twice." for name in sorted({n for n in names if names.count(n) > 1})]
    for name, value in headers.items():
        if sentence := _refusal(name, value, secret=secret):
            found.append(sentence)
    return found


def _refusal(name: str, value: str, *, secret: bool) -> str:
    if not TOKEN.fullmatch(name):
        return f"{name!r} is no header name; use letters, digits and hyphens."
    if not VALUE.fullmatch(value) or value != value.strip():
        return f"The value of {name} may not hold line breaks, control characters, or blanks at its ends."
    if name.lower() in OF_THE_WIRE:
        return f"{name} is set by the connection itself; leave it out."
    if name.lower() in OF_CARILLON:
        return f"{name} is sent by Carillon with every request; leave it out."
    if not secret and name.lower() in SECRET:
        return f"{name} is a secret; store it in a connection of kind http and choose that connection here."
    return ""
