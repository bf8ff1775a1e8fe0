"""Call an address, and judge the answer."""

import hashlib
import json
import re
from collections.abc import Mapping
from http.client import responses
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, JsonValue, StringConstraints, field_validator, model_validator

from integrations import headers as header_rules
from integrations import http
from integrations.addresses import Forbidden, parse_target
from integrations.kinds.base import Unusable
from integrations.models import Connection
from integrations.watchdog import Stopped, TookTooLong
from jobtypes import connections, curl
from jobtypes.base import (
    Adopted,
    CommandLine,
    Config,
    Context,
    InvalidParams,
    JobCancelled,
    JobFailed,
    JobTimedOut,
    JobType,
    Outcome,
)

MAX_BODY = 262_144
KEPT = 65_536
RETRIED = {408, 425, 429}
MARGIN_SECONDS = 0.5  # between giving up and the run's deadline
Trimmed = Annotated[str, StringConstraints(strip_whitespace=True)]
SPAN = re.compile(r"[1-5][0-9]{2}(-[1-5][0-9]{2})?")


class HttpRequestConfig(Config):
    """`url` is a whole address, or, with a connection, a path below its base address."""

    model_config = ConfigDict(str_strip_whitespace=False)  # bodies are sent as they are

    url: Trimmed = Field(
        max_length=2000, title="Address", description="http:// or https://, or a path below the connection's address."
    )
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] = Field(
        "GET", title="Method", description="POST where a body is given and nothing else is said."
    )
    connection: Trimmed = Field(
        "",
        max_length=255,
        title="Connection",
        description="Adds its secret headers to the request.",
        json_schema_extra={"connection": "http"},
    )
    headers: dict[str, str] = Field(
        default_factory=dict,
        title="Headers",
        description="Nothing secret: that belongs to a connection.",
        json_schema_extra={"widget": "pairs"},
    )
    json_body: JsonValue = Field(
        None,
        alias="json",
        title="JSON body",
        description="Sent as application/json. At most 256 KiB.",
        json_schema_extra={"widget": "json"},
    )
    body: str = Field(
        "",
        title="Body",
        description="Sent as it is, as text in UTF-8. At most 256 KiB.",
        json_schema_extra={"widget": "text"},
    )
    expect_status: str = Field(
        "200-299", max_length=200, title="Expected status", description="Numbers and spans: 200-299, or 200,204."
    )
    expect_json: dict[str, JsonValue] = Field(
        default_factory=dict,
        title="Expected JSON",
        description="Path to value, such as data.items.0.state to ready. All must be equal.",
        json_schema_extra={"widget": "json"},
    )

    @model_validator(mode="before")
    @classmethod
    def _send_bodies_by_post(cls, values: Any) -> Any:
        has_body = isinstance(values, dict) and (values.get("json") is not None or values.get("body"))
        return {**values, "method": "POST"} if has_body and "method" not in values else values

    @field_validator("expect_status", mode="before")
    @classmethod
    def _one_text(cls, value: Any) -> Any:
        parts = value if isinstance(value, list) else [value]
        return ",".join(str(part) for part in parts) if all(isinstance(part, int | str) for part in parts) else value

    @field_validator("expect_status")
    @classmethod
    def _spans(cls, value: str) -> str:
        text = value.replace(" ", "").replace("–", "-")
        if not all(SPAN.fullmatch(part) for part in text.split(",")):
            raise ValueError("Write numbers and spans between 100 and 599, such as 200-299 or 200,204.")
        return text

    @field_validator("headers")
    @classmethod
    def _plain_headers(cls, value: dict[str, str]) -> dict[str, str]:
        if sentences := header_rules.refusals(value, secret=False):
            raise ValueError(" ".join(sentences))
        return value

    @model_validator(mode="after")
    def _one_body(self) -> "HttpRequestConfig":
        if self.json_body is not None and self.body:
            raise ValueError("Give either json or body, not both.")
        if self.payload() is not None and self.method in {"GET", "HEAD"}:
            raise ValueError(f"A {self.method} request carries no body; choose POST, PUT or PATCH.")
        if len(self.payload() or b"") > MAX_BODY:
            raise ValueError("The body is longer than 256 KiB.")
        return self

    def payload(self) -> bytes | None:
        """Return the bytes to send, None if there is no body."""
        if self.json_body is not None:
            return json.dumps(self.json_body, ensure_ascii=False, allow_nan=False).encode()
        return self.body.encode() if self.body else None

    def expects(self, status: int) -> bool:
        """Tell whether `status` is one of those expected."""
        spans = [part.partition("-") for part in self.expect_status.split(",")]
        return any(int(low) <= status <= int(high or low) for low, _, high in spans)


class HttpRequest(JobType[HttpRequestConfig]):
    name = "http_request"
    label = "HTTP request"
    description = "Calls an address and checks what it answers."
    icon = "pulse"
    Config = HttpRequestConfig
    timeout_seconds = 60
    stop_grace_seconds = 3.0

    def check(self, config: HttpRequestConfig) -> None:
        """Refuse an address that may not be called, and one that would carry a connection's secrets elsewhere."""
        if config.connection:
            connection = connections.find(config.connection, kind="http")
            if "${" in connection.address:
                return  # known only when it is used
            base = connection.address
        else:
            base = ""
        try:
            http.check_url(join(base, config.url))
        except Forbidden as refused:
            raise InvalidParams({"url": [str(refused)]}) from None

    def summarise(self, config: HttpRequestConfig) -> str:
        through = f" through {config.connection}" if config.connection else ""
        return f"{config.method} {config.url}{through}"

    def adopt(self, line: CommandLine) -> Adopted | None:
        return curl.adopt(line)

    def run(self, config: HttpRequestConfig, context: Context) -> Outcome:
        connection = connections.use(config.connection, kind="http") if config.connection else None
        request = _request(config, context, connection)
        try:
            answer = http.send(request, stopped=context.cancelled)
        except Forbidden as refused:
            raise JobFailed(str(refused), retry=False) from None
        except http.Unreachable as broken:
            raise JobFailed(_scrub(connection, str(broken))) from None
        except TookTooLong:
            raise JobTimedOut(f"{config.url} did not answer within {request.seconds:.0f} s.") from None
        except Stopped:
            raise JobCancelled(
                "Stopped waiting for the answer, as asked. The request may have been received."
            ) from None
        return _judge(config, answer, connection)


def join(base: str, url: str) -> str:
    """Return the address to call. Below a connection's base address nothing may leave it: raises Forbidden."""
    if not base:
        return url
    if "://" not in url:
        url = base.rstrip("/") + "/" + url.lstrip("/")
    whole, target = parse_target(url), parse_target(base)
    path, floor = whole.path.partition("?")[0], target.path.rstrip("/")
    inside = path == floor or path.startswith(floor + "/")
    if whole.origin != target.origin or not inside or re.search(r"(^|/)(\.|%2e){1,2}(/|$)", path, re.IGNORECASE):
        raise Forbidden(f"With this connection only addresses below {base} can be called.")
    return url


def trace_headers(context: Context) -> dict[str, str]:
    """Return what ties the request to its run: the idempotency key, the correlation id, and a W3C traceparent."""
    known = re.fullmatch(r"[0-9a-f]{32}", context.correlation_id)
    trace = context.correlation_id if known else hashlib.sha256(context.correlation_id.encode()).hexdigest()[:32]
    span = hashlib.sha256(f"{context.idempotency_key}:{context.attempt}".encode()).hexdigest()[:16]
    return {
        "Idempotency-Key": context.idempotency_key,
        "X-Correlation-ID": context.correlation_id,
        "traceparent": f"00-{trace}-{span}-01",
    }


def _request(config: HttpRequestConfig, context: Context, connection: Connection | None) -> http.Request:
    try:
        url = join(connection.http_address() if connection else "", config.url)
        secret = connection.http_headers() if connection else {}
    except (Unusable, Forbidden) as wrong:
        raise JobFailed(str(wrong), retry=False) from None
    content_type = "application/json" if config.json_body is not None else "text/plain; charset=utf-8"
    standard = {"Content-Type": content_type} if config.payload() is not None else {}
    named = {name.lower() for name in config.headers}
    return http.Request(
        method=config.method,
        url=url,
        headers={
            **{name: value for name, value in standard.items() if name.lower() not in named},
            **config.headers,
            **trace_headers(context),
        },
        secret_headers=secret,
        body=config.payload(),
        seconds=max(0.1, context.seconds_left() - MARGIN_SECONDS),
    )


def _judge(config: HttpRequestConfig, answer: http.Answer, connection: Connection | None) -> Outcome:
    """Return the outcome of an answer as expected; raises JobFailed with the answer for any other."""
    text = _scrub(connection, answer.text)
    url = _scrub(connection, answer.url)
    summary = f"{config.method} {url} answered {answer.status} in {answer.seconds:.2f} s."
    metrics = {"status": answer.status, "seconds": round(answer.seconds, 3), "bytes": len(answer.body)}
    kept = text.encode()[:KEPT].decode(errors="ignore")
    result = {
        "url": url,
        "status": answer.status,
        "content_type": _scrub(connection, answer.headers.get("content-type", ""))[:200],
        "body": kept.replace("\0", "\ufffd"),
        "body_cut": answer.cut or len(kept) < len(text),
    }
    if not config.expects(answer.status):
        said = f"{answer.status} {responses.get(answer.status, '')}".strip()
        raise JobFailed(
            f"{config.method} {url} answered {said}; {config.expect_status} was expected.",
            retry=not 400 <= answer.status < 500 or answer.status in RETRIED,
            retry_after=answer.retry_after if answer.status in {429, 503} else None,
            summary=summary,
            metrics=metrics,
            result=result,
        )
    if sentence := unlike(config.expect_json, answer):
        raise JobFailed(_scrub(connection, sentence), summary=summary, metrics=metrics, result=result)
    return Outcome(summary=summary, metrics=metrics, result=result)


def unlike(expected: Mapping[str, Any], answer: http.Answer) -> str:
    """Return how the JSON of an answer differs from what is expected; empty if it does not."""
    if not expected:
        return ""
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return "The answer is no JSON" + (", or longer than 1 MiB." if answer.cut else ".")
    for path, value in expected.items():
        found: Any = document
        for part in path.split("."):
            if isinstance(found, dict) and part in found:
                found = found[part]
            elif isinstance(found, list) and part.isdecimal() and len(part) < 10 and int(part) < len(found):
                found = found[int(part)]
            else:
                return f"The answer has nothing at {path}; {json.dumps(value)} was expected."
        if found != value or isinstance(found, bool) != isinstance(value, bool):
            return f"At {path} the answer has {json.dumps(found)[:200]}; {json.dumps(value)} was expected."
    return ""


def _scrub(connection: Connection | None, text: str) -> str:
    return connection.scrub(text) if connection else text
