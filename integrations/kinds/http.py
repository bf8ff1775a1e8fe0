"""HTTP services: a base address, and headers that stay secret."""

from integrations import headers, http, references, watchdog
from integrations.addresses import Forbidden, parse_target
from integrations.kinds.base import Refused, Report, Secrets, Stored, Unusable
from integrations.secrets import MASK

TRY_SECONDS = 10.0


def accept(address: str, offered: Secrets | None, stored: Stored | None) -> Stored:
    """Return the base address and the headers to store. `{"headers": {name: value}}` is what may be offered."""
    address = address.strip()
    _check_address(address)
    kept: dict[str, str] = dict(stored.secrets.get("headers", {})) if stored else {}
    given = kept if offered is None else offered.get("headers", {})
    if not isinstance(given, dict) or not all(isinstance(part, str) for pair in given.items() for part in pair):
        raise Refused("headers", "Headers are pairs of a name and a text.")
    taken = kept if offered is None else {name: value for name, value in given.items() if value == MASK}
    if taken and stored and stored.address != address:
        raise Refused("headers", "The address changed, so the secret headers must be written again.")
    if missing := [name for name in taken if name not in kept]:
        raise Refused("headers", f"{MASK} keeps a stored value, but {', '.join(missing)} has none; write the value.")
    result = {name: kept[name] if name in taken else value for name, value in given.items()}
    if sentences := headers.refusals(result, secret=True):
        raise Refused("headers", " ".join(sentences))
    for value in result.values():
        if sentence := references.refusal(value):
            raise Refused("headers", sentence)
    return Stored(address, {"headers": result} if result else {})


def masked(secrets: Secrets) -> Secrets:
    """Return the names of the headers, each with `***`."""
    return {"headers": dict.fromkeys(secrets.get("headers", {}), MASK)}


def base_address(address: str) -> str:
    """Return the address to call, references replaced; raises Unusable."""
    try:
        return parse_target(references.expand(address)).url
    except (references.Unset, Forbidden) as wrong:
        raise Unusable(str(wrong)) from None


def secret_headers(secrets: Secrets) -> dict[str, str]:
    """Return the headers to send, references replaced; raises Unusable."""
    try:
        result = {name: references.expand(value) for name, value in secrets.get("headers", {}).items()}
    except references.Unset as missing:
        raise Unusable(str(missing)) from None
    if sentences := headers.refusals(result, secret=True):
        raise Unusable(" ".join(sentences))
    return result


def secret_values(address: str, secrets: Secrets) -> list[str]:
    """Return the values of the headers, as stored and as sent."""
    stored: dict[str, str] = secrets.get("headers", {})
    try:
        return [*stored.values(), *secret_headers(secrets).values()]
    except Unusable:
        return list(stored.values())


def try_out(address: str, secrets: Secrets) -> Report:
    """Get the base address once, whatever status it answers."""
    request = http.Request("GET", base_address(address), {}, secret_headers(secrets), None, TRY_SECONDS, 1024)
    try:
        answer = http.send(request)
    except (http.Unreachable, Forbidden) as wrong:
        raise Unusable(str(wrong)) from None
    except watchdog.TookTooLong:
        raise Unusable(f"No answer within {TRY_SECONDS:g} s.") from None
    refused = ("It refuses the headers of this connection.",) if answer.status in {401, 403} else ()
    return Report(f"{request.url} answered {answer.status} in {answer.seconds:.2f} s.", refused)


def _check_address(address: str) -> None:
    if sentence := references.refusal(address):
        raise Refused("address", sentence)
    if references.names(address):
        return  # checked when it is called
    if "?" in address or "#" in address:
        raise Refused("address", "A base address has no question mark and no number sign; write them in the job.")
    try:
        http.check_url(address)
    except Forbidden as refused:
        raise Refused("address", str(refused)) from None
