import datetime
import socket
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integrations import http
from integrations.addresses import Forbidden
from integrations.watchdog import Stopped, TookTooLong
from tests.webserver import Reply, Site


@pytest.fixture
def opened(site, settings):
    settings.OUTBOUND_ALLOWLIST = [f"127.0.0.1:{site.port}", f"service.test:{site.port}"]
    return site


@pytest.fixture
def names(monkeypatch):
    """Answer DNS questions from a table; each question is counted."""
    table: dict[str, list[list[str]]] = {}
    asked: list[str] = []
    real = socket.getaddrinfo

    def answer(host, port, *rest, **options):
        if host not in table:
            return real(host, port, *rest, **options)
        asked.append(host)
        answers = table[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses]
        pairs = zip(families, addresses, strict=True)
        return [(family, socket.SOCK_STREAM, 6, "", (address, port)) for family, address in pairs]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return table, asked


def get(url, **options):
    return http.send(http.Request("GET", url, **options))


def test_an_answer_comes_with_status_headers_and_body(opened):
    opened.reply = Reply(418, {"X-Kind": "teapot", "Content-Type": "text/plain; charset=latin-1"}, b"caf\xe9")
    answer = get(opened.url + "/pot?size=2")
    assert (answer.status, answer.headers["x-kind"], answer.text) == (418, "teapot", "café")
    assert opened.received[0].path == "/pot?size=2"
    assert opened.received[0].headers["host"] == f"127.0.0.1:{opened.port}"


def test_a_private_address_is_refused_before_anything_is_sent(site):
    with pytest.raises(Forbidden, match="OUTBOUND_ALLOWLIST"):
        get(site.url)
    assert site.received == []


def test_a_name_that_leads_to_a_private_address_is_refused(site, names):
    names[0]["service.test"] = [["127.0.0.1"]]
    with pytest.raises(Forbidden, match=r"service\.test, which is 127\.0\.0\.1"):
        get(f"http://service.test:{site.port}/")


def test_one_private_address_among_public_ones_is_enough_to_refuse(names):
    names[0]["service.test"] = [["8.8.8.8", "2606:4700::1111", "::ffff:127.0.0.1"]]
    with pytest.raises(Forbidden):
        get("http://service.test/")


def test_a_name_is_resolved_once_and_the_checked_address_is_called(opened, names, settings):
    settings.OUTBOUND_ALLOWLIST = ["127.0.0.1/32"]
    names[0]["service.test"] = [["127.0.0.1"], ["127.0.0.9"]]
    assert get(f"http://service.test:{opened.port}/").status == 200
    assert names[1] == ["service.test"]
    assert opened.received[0].headers["host"] == f"service.test:{opened.port}"


def test_the_next_address_is_tried_when_one_does_not_answer(opened, names):
    names[0]["service.test"] = [["127.0.0.77", "127.0.0.1"]]
    assert get(f"http://service.test:{opened.port}/").status == 200


@pytest.mark.parametrize(
    "where", ["http://169.254.169.254/", "http://[::1]/", "http://2130706433/", "file:///etc/passwd"]
)
def test_a_redirect_to_a_forbidden_place_is_refused(opened, where):
    opened.pages["/"] = Reply(302, {"Location": where})
    with pytest.raises(Forbidden):
        get(opened.url)


def test_three_redirects_are_followed_and_no_more(opened):
    for number in range(4):
        opened.pages[f"/{number}"] = Reply(302, {"Location": f"/{number + 1}"})
    assert get(opened.url + "/1").url.endswith("/4")
    with pytest.raises(http.Unreachable, match="more than 3"):
        get(opened.url + "/0")


def test_secret_headers_stay_with_their_origin_for_good(opened, settings):
    other = Site()
    settings.OUTBOUND_ALLOWLIST = ["127.0.0.1"]
    opened.pages["/a"] = Reply(302, {"Location": "/b"})
    opened.pages["/b"] = Reply(302, {"Location": other.url + "/c"})
    other.pages["/c"] = Reply(302, {"Location": opened.url + "/d"})
    try:
        get(opened.url + "/a", secret_headers={"Authorization": "Bearer s3cret"}, headers={"X-Plain": "1"})
    finally:
        other.close()
    sent = [one.headers.get("authorization") for one in (*opened.received[:2], *other.received, opened.received[2])]
    assert sent == ["Bearer s3cret", "Bearer s3cret", None, None]
    assert other.received[0].headers["x-plain"] == "1"


@pytest.mark.parametrize(("status", "method", "body"), [(303, "GET", b""), (302, "GET", b""), (307, "POST", b"x=1")])
def test_a_redirected_post_keeps_its_body_only_where_the_status_says_so(opened, status, method, body):
    opened.pages["/a"] = Reply(status, {"Location": "/b"})
    http.send(http.Request("POST", opened.url + "/a", body=b"x=1"))
    assert (opened.received[1].method, opened.received[1].body) == (method, body)


def test_the_environments_proxy_is_not_used(opened, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    assert get(opened.url).status == 200


def test_a_long_body_is_cut(opened):
    opened.reply = Reply(body=b"x" * 5000)
    answer = get(opened.url, max_bytes=1000)
    assert (len(answer.body), answer.cut) == (1000, True)


def drip(site, start, piece):
    """Send `start`, then `piece` again and again until the client hangs up."""

    def write(wire):
        wire.sendall(start)
        while not site.closing.wait(0.05):
            wire.sendall(piece)

    return Reply(write=write)


@pytest.mark.parametrize(
    ("start", "piece"),
    [(b"", b""), (b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n"), (b"HTTP/1.1 200 OK\r\n\r\n", b".")],
    ids=["silent", "endless headers", "endless body"],
)
def test_the_whole_exchange_ends_in_time(opened, start, piece):
    opened.reply = drip(opened, start, piece)
    began = time.monotonic()
    with pytest.raises(TookTooLong):
        get(opened.url, seconds=0.4)
    assert time.monotonic() - began < 1.2


def test_an_exchange_ends_soon_after_it_was_cancelled(opened):
    opened.reply = drip(opened, b"", b"")
    stop = threading.Event()
    timer = threading.Timer(0.2, stop.set)
    timer.start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        http.send(http.Request("GET", opened.url, seconds=20), stopped=stop.is_set)
    assert time.monotonic() - began < 1.5
    timer.join()


@pytest.mark.parametrize("start", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", b""])
def test_a_broken_answer_is_unreachable(opened, start):
    opened.reply = Reply(write=lambda wire: wire.sendall(start))
    with pytest.raises(http.Unreachable, match="broke off"):
        get(opened.url)


def test_nobody_listening_is_unreachable(settings):
    settings.OUTBOUND_ALLOWLIST = ["127.0.0.1"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(http.Unreachable, match="refused"):
        get(f"http://127.0.0.1:{port}/")


def test_an_unknown_name_is_unreachable():
    with pytest.raises(http.Unreachable, match="cannot be resolved"):
        get("http://nowhere.invalid/")


def test_at_the_save_an_unknown_name_passes_and_a_private_one_does_not(names):
    http.check_url("https://nowhere.invalid/hook")
    names[0]["service.test"] = [["10.0.0.1"]]
    with pytest.raises(Forbidden):
        http.check_url("https://service.test/hook")


def authority_and_site(folder, host):
    """Return a file with a fresh authority's certificate, and a TLS site that it vouches for as `host`."""

    def certificate(name, key, issuer, issuer_key, *extensions):
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(issuer, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(1))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(issuer_key, hashes.SHA256())

    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")])
    root_id = x509.SubjectKeyIdentifier.from_public_key(root_key.public_key())
    root = certificate("root", root_key, root_name, root_key, x509.BasicConstraints(True, None), root_id)
    alternative = x509.SubjectAlternativeName([x509.DNSName(host)])
    leaf = certificate(
        "leaf", key, root_name, root_key, alternative,
        x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(root_id),
    )  # fmt: skip
    pem = serialization.Encoding.PEM
    (folder / "root.pem").write_bytes(root.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "leaf.pem").write_bytes(leaf.public_bytes(pem) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "leaf.pem")
    return folder / "root.pem", Site(context)


def test_tls_proves_the_name_though_the_address_is_called(tmp_path, names, settings, monkeypatch):
    root, site = authority_and_site(tmp_path, "service.test")
    monkeypatch.setenv("SSL_CERT_FILE", str(root))
    settings.OUTBOUND_ALLOWLIST = ["127.0.0.1"]
    names[0].update({"service.test": [["127.0.0.1"]], "other.test": [["127.0.0.1"]]})
    try:
        assert get(f"https://service.test:{site.port}/").status == 200
        with pytest.raises(http.Unreachable, match=r"other\.test.*certificate"):
            get(f"https://other.test:{site.port}/")
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(http.Unreachable, match="certificate"):
            get(f"https://service.test:{site.port}/")
    finally:
        site.close()
