import threading
import time

import pytest

from integrations.models import Connection
from jobtypes import registry
from jobtypes.base import InvalidParams, JobCancelled, JobFailed, JobTimedOut
from tests.jobtypes.running import TrialContext, execute
from tests.webserver import Reply, Site


def call(context=None, **params):
    return execute("http_request", params, context)


def refused(**params):
    with pytest.raises(InvalidParams) as problem:
        registry.validate("http_request", params)
    return problem.value.errors


@pytest.fixture
def service(opened, db):
    connection = Connection(name="service", kind="http", address=opened.url + "/v1")
    connection.offer({"headers": {"Authorization": "Bearer s3cret-token", "X-Team": "harbour"}})
    connection.store(by="test")
    return opened


def test_the_answer_is_told_in_a_sentence_numbers_and_text(opened):
    opened.reply = Reply(200, {"Content-Type": "text/plain"}, b"all well")
    outcome = call(url=opened.url + "/health")
    assert outcome.summary.startswith(f"GET {opened.url}/health answered 200 in 0.")
    assert outcome.metrics["status"] == 200
    assert outcome.result["body"] == "all well"
    assert outcome.result["body_cut"] is False


def test_the_request_carries_the_key_the_correlation_and_the_trace(opened):
    call(TrialContext(attempt=1), url=opened.url)
    call(TrialContext(attempt=2), url=opened.url)
    first, second = (one.headers for one in opened.received)
    assert first["idempotency-key"] == second["idempotency-key"] == "3-2026-03-29T01:00:00Z"
    assert first["x-correlation-id"] == "0af7651916cd43dd8448eb211c80319c"
    assert first["traceparent"].startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert first["traceparent"] != second["traceparent"]


def test_json_is_posted(opened):
    call(url=opened.url, json={"name": " Žofie", "n": [1, None]})
    sent = opened.received[0]
    assert (sent.method, sent.headers["content-type"]) == ("POST", "application/json")
    assert sent.body == '{"name": " Žofie", "n": [1, null]}'.encode()


def test_a_text_is_sent_as_it_is_with_headers_of_its_own(opened):
    call(url=opened.url, method="PUT", body=" a;b\n", headers={"content-type": "text/csv", "X-Lane": "raw"})
    sent = opened.received[0]
    assert (sent.method, sent.body, sent.headers["x-lane"]) == ("PUT", b" a;b\n", "raw")
    assert sent.headers["content-type"] == "text/csv"


def test_a_long_answer_is_kept_up_to_64_kibibytes(opened):
    opened.reply = Reply(body=b"x" * 100_000)
    result = call(url=opened.url).result
    assert (len(result["body"]), result["body_cut"]) == (65_536, True)


def test_a_binary_answer_can_be_kept(opened):
    opened.reply = Reply(body=b"\x00\xff\xfe")
    assert call(url=opened.url).result["body"] == "\ufffd\ufffd\ufffd"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_passing_trouble_is_tried_again(opened, status):
    opened.reply = Reply(status)
    with pytest.raises(JobFailed, match=f"answered {status} .*200-299 was expected") as failure:
        call(url=opened.url)
    assert failure.value.retry
    assert failure.value.result["status"] == status


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422])
def test_a_refusal_is_not_tried_again(opened, status):
    opened.reply = Reply(status)
    with pytest.raises(JobFailed) as failure:
        call(url=opened.url)
    assert not failure.value.retry


@pytest.mark.parametrize(("said", "seconds"), [("7", 7), ("99999", 3600), ("soon", None), ("-1", None)])
def test_retry_after_is_heeded_up_to_an_hour(opened, said, seconds):
    opened.reply = Reply(429, {"Retry-After": said})
    with pytest.raises(JobFailed) as failure:
        call(url=opened.url)
    assert failure.value.retry_after == seconds


def test_retry_after_may_be_a_date(opened):
    opened.reply = Reply(503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})
    with pytest.raises(JobFailed) as failure:
        call(url=opened.url)
    assert failure.value.retry_after == 0


@pytest.mark.parametrize(
    ("expected", "status"), [("404", 404), (404, 404), ([200, "400-404"], 403), ("200, 204", 204)]
)
def test_another_status_may_be_expected(opened, expected, status):
    opened.reply = Reply(status, body=b"")
    assert call(url=opened.url, expect_status=expected).metrics["status"] == status


@pytest.mark.parametrize("expected", ["", "ok", "200-", "99", "600", "200;204", "2xx"])
def test_an_unreadable_status_is_refused(expected):
    assert "expect_status" in refused(url="https://example.test", expect_status=expected)


def test_the_json_of_the_answer_is_compared_by_path(opened):
    opened.reply = Reply(body=b'{"state": "ready", "items": [{"n": 1, "ok": true}]}')
    call(url=opened.url, expect_json={"state": "ready", "items.0.n": 1, "items.0.ok": True})
    for path, value, sentence in [
        ("state", "busy", '"ready"; "busy" was expected'),
        ("items.1", None, "nothing at items.1"),
        ("items.0.ok", 1, "true; 1 was expected"),
    ]:
        with pytest.raises(JobFailed, match=sentence):
            call(url=opened.url, expect_json={path: value})


def test_an_answer_that_is_no_json_is_not_as_expected(opened):
    for body in (b"<html>", b"[" * 200_000):
        opened.reply = Reply(body=body)
        with pytest.raises(JobFailed, match="no JSON"):
            call(url=opened.url, expect_json={"a": 1})


def test_nobody_answering_is_tried_again(opened):
    opened.reply = Reply(write=lambda wire: None)
    with pytest.raises(JobFailed, match="broke off") as failure:
        call(url=opened.url)
    assert failure.value.retry


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://[::1]/", "http://0/", "http://2130706433/", "http://0x7f.1/", "http://①②⑦.0.0.1/",
     "http://169.254.169.254/latest", "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://localhost/",
     "http://[2002:7f00:1::]/", "http://100.64.0.1/", "http://198.18.0.1/", "http://224.0.0.1/", "file:///etc/passwd",
     "gopher://x/", "http://example.test@127.0.0.1/", "https://u:p@example.test/", "not an address", "//x"],
)  # fmt: skip
def test_a_forbidden_address_is_refused_at_the_save_and_at_the_fire(url):
    assert list(refused(url=url)) == ["url"]
    with pytest.raises(JobFailed) as failure:
        call(url=url)
    assert not failure.value.retry


def test_a_redirect_to_a_forbidden_address_fails_for_good(opened):
    opened.reply = Reply(302, {"Location": "http://127.0.0.1:1/"})
    with pytest.raises(JobFailed, match="OUTBOUND_ALLOWLIST") as failure:
        call(url=opened.url)
    assert not failure.value.retry


def test_an_address_that_does_not_resolve_yet_may_be_saved():
    registry.validate("http_request", {"url": "https://not-yet.invalid/hook"})


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        ({"Host": "x"}, "Host"),
        ({"Content-Length": "3"}, "Content-Length"),
        ({"transfer-encoding": "chunked"}, "transfer-encoding"),
        ({"Connection": "close"}, "Connection"),
        ({"Proxy-Authorization": "x"}, "Proxy-Authorization"),
        ({"Authorization": "Bearer x"}, "connection of kind http"),
        ({"authorization": "Bearer x"}, "connection of kind http"),
        ({"Cookie": "a=b"}, "connection of kind http"),
        ({"Idempotency-Key": "mine"}, "Carillon"),
        ({"X-A": "b\r\nHost: c"}, "line breaks"),
        ({"X-A": "b\n c"}, "line breaks"),
        ({"X-A": "b\0"}, "line breaks"),
        ({"X-A\r\nHost": "b"}, "no header name"),
        ({"X A": "b"}, "no header name"),
        ({"": "b"}, "no header name"),
        ({"X-A": "b\u2028c"}, "line breaks"),
        ({"X-A": "1", "x-a": "2"}, "twice"),
        ({f"X-{number}": "1" for number in range(51)}, "At most 50"),
    ],
)
def test_a_header_that_could_do_harm_is_refused(headers, word):
    errors = refused(url="https://example.test", headers=headers)
    assert word in " ".join(errors["headers"])


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"json": {}, "body": "x"}, "not both"),
        ({"method": "GET", "body": "x"}, "no body"),
        ({"method": "POST", "body": "x" * 262_145}, "256 KiB"),
        ({"json": ["é" * 131_072]}, "256 KiB"),
    ],
)
def test_a_body_that_does_not_fit_is_refused(params, word):
    assert word in str(refused(url="https://example.test", **params))


def test_a_body_of_exactly_256_kibibytes_is_taken():
    registry.parse("http_request", {"url": "https://example.test", "method": "POST", "body": "x" * 262_144})


def test_unknown_fields_are_refused():
    assert refused(url="https://example.test", verify=False) == {"verify": ["There is no such field."]}


def test_a_connection_adds_its_secret_headers_below_its_address(service):
    call(url="orders?open=1", connection="service")
    call(url="/orders", connection="service")
    call(url=service.url + "/v1/orders", connection="service")
    assert [one.path for one in service.received] == ["/v1/orders?open=1", "/v1/orders", "/v1/orders"]
    assert {one.headers["authorization"] for one in service.received} == {"Bearer s3cret-token"}


@pytest.mark.parametrize(
    "url", ["https://elsewhere.test/v1/x", "../admin", "/%2e%2e/admin", "a/../../admin", "http://127.0.0.1:1/v1/x"]
)
def test_a_connections_secrets_are_sent_nowhere_else(service, url):
    assert list(refused(url=url, connection="service")) == ["url"]
    with pytest.raises(JobFailed):
        call(url=url, connection="service")
    assert service.received == []


def test_an_address_that_only_begins_alike_is_elsewhere(service):
    assert list(refused(url=service.url + "/v10", connection="service")) == ["url"]


def test_a_redirect_elsewhere_does_not_take_the_secret_along(service, settings):
    other = Site()
    settings.OUTBOUND_ALLOWLIST = ["127.0.0.1"]
    service.reply = Reply(307, {"Location": other.url})
    try:
        call(url="x", connection="service")
    finally:
        other.close()
    assert "authorization" not in other.received[0].headers


def test_an_answer_that_repeats_the_secret_is_redacted(service):
    service.reply = Reply(500, body=b"you sent Bearer s3cret-token, that is s3cret-token; team harbour")
    with pytest.raises(JobFailed) as failure:
        call(url="x", connection="service")
    assert failure.value.result["body"] == "you sent ***, that is ***; team ***"
    assert "s3cret" not in repr(failure.value) + failure.value.summary + str(failure.value.result)


def test_a_secret_split_by_the_cut_does_not_show(service):
    service.reply = Reply(body=b"x" * (65_536 - 12) + b"Bearer s3cret-token")
    assert "s3cr" not in call(url="x", connection="service").result["body"]


def test_a_missing_connection_is_refused(db):
    assert list(refused(url="x", connection="gone")) == ["connection"]
    with pytest.raises(JobFailed, match="no connection named 'gone'"):
        call(url="x", connection="gone")


def test_the_run_ends_before_its_deadline(opened):
    opened.reply = Reply(write=lambda wire: opened.closing.wait(5))
    began = time.monotonic()
    with pytest.raises(JobTimedOut):
        call(TrialContext(seconds=1), url=opened.url)
    assert time.monotonic() - began < 1


def test_a_cancelled_run_stops_waiting(opened):
    opened.reply = Reply(write=lambda wire: opened.closing.wait(5))
    context = TrialContext()
    timer = threading.Timer(0.2, context.stop.set)
    timer.start()
    with pytest.raises(JobCancelled):
        call(context, url=opened.url)
    timer.join()
