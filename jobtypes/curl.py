"""What curl and wget ask for, as parameters of a request. Pure: nothing is called."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from jobtypes.base import Adopted, CommandLine, InvalidParams, JSONObject

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
STATUS = "Without -f every answer counted as done; here only one from 200 to 299 does."
CARRIES_KEY = "It carries a password or a key. Store that in a connection of kind http and choose it on a schedule."
CERTIFICATES = "It does not check certificates ({}); Carillon always does."
TO_FILE = "It keeps the answer in a file. Carillon keeps the beginning of an answer with each run, and no file."
DROPPED = {"/dev/null", "-"}

# Option → what it stands for. "" means nothing here; "!…" is refused with that sentence.
CURL_FLAGS = {
    **dict.fromkeys(["-s", "--silent", "-S", "--show-error", "-i", "--include", "-v", "--verbose", "-#"], ""),
    **dict.fromkeys(["--progress-bar", "--no-progress-meter", "-4", "--ipv4", "-6", "--ipv6", "--compressed"], ""),
    **dict.fromkeys(["-L", "--location", "-N", "--no-buffer", "--retry-connrefused"], ""),
    **dict.fromkeys(["--retry-all-errors", "-q", "--disable", "--http1.1", "--http2", "--tcp-nodelay"], ""),
    **dict.fromkeys(["-f", "--fail", "--fail-with-body"], "fail"),
    **dict.fromkeys(["-I", "--head"], "head"),
    **dict.fromkeys(["-G", "--get"], "get"),
    **dict.fromkeys(["-g", "--globoff"], "as written"),
    **dict.fromkeys(["-k", "--insecure"], "!" + CERTIFICATES.format("-k")),
    **dict.fromkeys(["-O", "--remote-name", "-J", "--remote-header-name"], "!" + TO_FILE),
    **dict.fromkeys(["-n", "--netrc"], "!" + CARRIES_KEY),
}
CURL_VALUES = {
    **dict.fromkeys(["--connect-timeout", "-w", "--write-out", "--retry-max-time", "--retry-delay"], ""),
    **dict.fromkeys(["-o", "--output"], "output"),
    **dict.fromkeys(["-X", "--request"], "method"),
    **dict.fromkeys(["-H", "--header"], "header"),
    **dict.fromkeys(["-A", "--user-agent"], "agent"),
    **dict.fromkeys(["-e", "--referer"], "referer"),
    **dict.fromkeys(["-d", "--data", "--data-ascii"], "data"),
    **dict.fromkeys(["--data-binary"], "binary"),
    **dict.fromkeys(["--data-raw"], "raw"),
    **dict.fromkeys(["--data-urlencode"], "encoded"),
    **dict.fromkeys(["--json"], "json"),
    **dict.fromkeys(["-m", "--max-time"], "seconds"),
    **dict.fromkeys(["--retry"], "retries"),
    **dict.fromkeys(["--url"], "url"),
    **dict.fromkeys(
        ["-u", "--user", "-b", "--cookie", "--oauth2-bearer", "-E", "--cert", "--key"], "!" + CARRIES_KEY
    ),
    **dict.fromkeys(["-F", "--form", "-T", "--upload-file"], "!It sends a file or a form of several parts."),
    **dict.fromkeys(["-x", "--proxy"], "!It goes through a proxy; Carillon calls addresses itself."),
    **dict.fromkeys(["-K", "--config"], "!It reads its options from a file; write them out."),
}
WGET_FLAGS = {
    **dict.fromkeys(["-q", "--quiet", "-nv", "--no-verbose", "-v", "--verbose", "-S", "--server-response"], ""),
    **dict.fromkeys(["--delete-after", "-4", "-6", "--no-cache", "--content-on-error", "--no-hsts"], ""),
    "--spider": "head",
    "--no-check-certificate": "!" + CERTIFICATES.format("--no-check-certificate"),
    **dict.fromkeys(["-b", "--background"], "!It goes on in the background."),
    **dict.fromkeys(
        ["-r", "--recursive", "-m", "--mirror", "-c", "--continue", "-N", "--timestamping"], "!" + TO_FILE
    ),
}
WGET_VALUES = {
    **dict.fromkeys(["-o", "--output-file", "-a", "--append-output", "--connect-timeout", "-w", "--wait"], ""),
    **dict.fromkeys(["-T", "--timeout", "--read-timeout", "--dns-timeout", "--waitretry"], ""),
    **dict.fromkeys(["-O", "--output-document"], "output"),
    **dict.fromkeys(["--header"], "header"),
    **dict.fromkeys(["-U", "--user-agent"], "agent"),
    **dict.fromkeys(["--referer"], "referer"),
    **dict.fromkeys(["--method"], "method"),
    **dict.fromkeys(["--post-data", "--body-data"], "raw"),
    **dict.fromkeys(["-t", "--tries"], "tries"),
    **dict.fromkeys(["--user", "--password", "--http-user", "--http-password"], "!" + CARRIES_KEY),
    **dict.fromkeys(["-P", "--directory-prefix"], "!" + TO_FILE),
    **dict.fromkeys(["-i", "--input-file", "--post-file", "--body-file"], "!It reads a file."),
}


@dataclass(slots=True)
class Asked:
    """What the options of a command line asked for."""

    urls: list[str] = field(default_factory=list)
    method: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)
    query: bool = False
    fails: bool = False
    unfolds: bool = False
    seconds: int | None = None
    retries: int | None = None
    notes: list[str] = field(default_factory=list)


def adopt(line: CommandLine) -> Adopted | None:
    """Return the request that curl or wget would make, None for any other command; raises InvalidParams."""
    tool = line.words[0].rpartition("/")[2] if line.words else ""
    if tool not in {"curl", "wget"}:
        return None
    asked = Asked(fails=tool == "wget", unfolds=tool == "curl")
    flags, values = (CURL_FLAGS, CURL_VALUES) if tool == "curl" else (WGET_FLAGS, WGET_VALUES)
    for meaning, value in _options(line.words[1:], flags, values, tool):
        _take(asked, meaning, value, line.stdin)
    if len(asked.urls) != 1:
        raise _refuse(f"It calls {len(asked.urls)} addresses; a schedule calls one.")
    if asked.unfolds and re.search(r"//[^/]*/.*[\[{]", asked.urls[0]):
        raise _refuse("Its address stands for several, by { or [ in it; a schedule calls one.")
    if not asked.fails:
        asked.notes.append(STATUS)
    return Adopted(
        params=_params(asked),
        name=_name(asked.urls[0]),
        notes=tuple(asked.notes),
        timeout_seconds=asked.seconds,
        max_retries=asked.retries,
    )


def _options(
    words: Sequence[str], flags: Mapping[str, str], values: Mapping[str, str], tool: str
) -> Iterable[tuple[str, str]]:
    """Yield (what it stands for, value) for each option and address; short options may be joined: -fsSo /dev/null."""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            yield from (("url", one) for one in rest)
            return
        if not word.startswith("-") or word == "-":
            yield "url", word
        elif word in flags:
            yield flags[word], ""
        elif word.startswith("--"):
            name, _, joined = word.partition("=")
            if name not in values:
                raise _refuse(f"The option {name} of {tool} has no counterpart here.")
            yield values[name], joined if "=" in word else _next(rest, name, tool)
        elif word[:2] in values:
            yield values[word[:2]], word[2:] or _next(rest, word[:2], tool)
        elif word[:2] in flags and len(word) > 2:
            yield flags[word[:2]], ""
            rest.insert(0, f"-{word[2:]}")
        else:
            raise _refuse(f"The option {word[:2]} of {tool} has no counterpart here.")


def _next(rest: list[str], option: str, tool: str) -> str:
    if not rest:
        raise _refuse(f"The option {option} of {tool} has no value.")
    return rest.pop(0)


def _take(asked: Asked, meaning: str, value: str, stdin: str | None) -> None:
    if meaning.startswith("!"):
        raise _refuse(meaning[1:])
    if meaning == "url":
        asked.urls.append(value if "://" in value else f"http://{value}")
    elif meaning == "method":
        asked.method = value.upper()
    elif meaning == "head":
        asked.method = "HEAD"
    elif meaning == "get":
        asked.query = True
    elif meaning == "as written":
        asked.unfolds = False
    elif meaning == "fail":
        asked.fails = True
    elif meaning == "output" and value not in DROPPED:
        raise _refuse(TO_FILE)
    elif meaning == "header":
        _add_header(asked, value)
    elif meaning in {"agent", "referer"}:
        asked.headers["User-Agent" if meaning == "agent" else "Referer"] = value
    elif meaning in {"data", "binary", "raw", "encoded", "json"}:
        _add_data(asked, meaning, value, stdin)
    elif meaning == "seconds":
        asked.seconds = _number(value, "seconds") or None
    elif meaning == "retries":
        asked.retries = min(10, _number(value, "retries"))
    elif meaning == "tries":
        asked.retries = min(10, max(0, _number(value, "tries") - 1))


def _add_header(asked: Asked, value: str) -> None:
    name, colon, text = value.partition(":")
    if not colon or value.startswith("@"):
        raise _refuse("A header is written as Name: value.")
    if name.strip().lower() in {"authorization", "cookie", "x-api-key", "api-key", "x-auth-token"}:
        raise _refuse(CARRIES_KEY)
    asked.headers[name.strip()] = text.strip()


def _add_data(asked: Asked, meaning: str, value: str, stdin: str | None) -> None:
    if value.startswith("@") and meaning not in {"raw", "encoded"}:
        if value != "@-" or stdin is None:
            raise _refuse(f"It sends the file {value[1:]}; Carillon sends what the schedule says.")
        value = stdin if meaning in {"binary", "json"} else stdin.replace("\n", "")
    if meaning == "encoded":
        name, equals, text = value.partition("=")
        if not equals and "@" in value:
            raise _refuse("It sends a file; Carillon sends what the schedule says.")
        value = f"{name}={quote(text, safe='')}" if equals and name else quote(text or name, safe="")
    if meaning == "json":
        asked.headers = {"Content-Type": JSON, "Accept": JSON, **asked.headers}
    asked.data.append(value)
    asked.method = asked.method or "POST"


def _params(asked: Asked) -> JSONObject:
    url, headers, method = asked.urls[0], dict(asked.headers), asked.method or "GET"
    params: JSONObject = {"url": url, "method": method}
    joined = ("" if headers.get("Content-Type") == JSON else "&").join(asked.data)
    if asked.query and asked.data:
        address, hash_sign, part = url.partition("#")
        separator = "&" if "?" in address else "?"
        params["url"] = f"{address}{separator}{joined}{hash_sign}{part}"
        params["method"] = "GET" if method == "POST" else method
    elif asked.data:
        if not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = FORM
        params["body"] = joined
    return {**params, "headers": headers} if headers else params


def _name(url: str) -> str:
    """Return host and path; neither the query nor a password, which may be secret."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "request"
    return f"{host}{parts.path}".rstrip("/") or "request"


def _number(value: str, what: str) -> int:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 <= number <= 86_400:
        raise _refuse(f"{value[:40]!r} is no number of {what}.")
    return math.ceil(number)


def _refuse(sentence: str) -> InvalidParams:
    return InvalidParams({"": [sentence]})
