import ipaddress

import pytest

from integrations.addresses import Forbidden, check_address, is_public, literal, parse_target, read_allowlist

CLOSED = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255",  # noqa: S104
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1",
    "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1",
    "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "3fff::1", "5f00::1",
    "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1", "4000::1",
]  # fmt: skip


@pytest.mark.parametrize("text", CLOSED)
def test_an_address_of_special_purpose_is_not_public(text):
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"]
)
def test_an_ordinary_address_is_public(text):
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/", "http://0/", "http://0x7f.1/", "http://0x7f000001/", "http://0177.0.0.1/",
        "http://127.1/", "http://127.0.1/", "http://017700000001/", "http://0x7F.0x0.0x0.0x1/", "http://1.2.3.4.5/",
        "http://256.1.1.1/", "http://08.8.8.8/", "http://%31%32%37.0.0.1/", "http://[fe80::1%25eth0]/",
        "http://[fe80::1%eth0]/", "http://[::1/", "http://[v1.x]/", "http://a..b/", "http://a b/", "http://-a.test/",
        "http://exa\u00admple.test\u2028/", "http://ex\tample.test/", "http://example.test\r\nHost:x/",
        "http://example.test\\@127.0.0.1/", "http://user@example.test/", "http://user:pw@example.test/",
        "http://:@example.test/", "http://@example.test/", "http://127.0.0.1#@example.test\\/", "http:///path",
        "http://example.test:0/", "http://example.test:65536/", "http://example.test:x/", "file:///etc/passwd",
        "gopher://example.test/", "ftp://example.test/", "//example.test/", "example.test", "", "javascript:alert(1)",
        "HTTP+unix://x/", "http://" + "a" * 64 + ".test/", "http://" + "a." * 130 + "test/", "http://x/" + "y" * 2000,
    ],
)  # fmt: skip
def test_an_odd_spelling_is_refused_whatever_it_means(url):
    with pytest.raises(Forbidden):
        parse_target(url)


@pytest.mark.parametrize("host", ["①②⑦.0.0.1", "127。0。0。1", "127.0.0.1", "127.0.0.1."])
def test_letters_that_look_like_digits_are_read_as_digits(host):
    assert literal(parse_target(f"http://{host}/").host) == ipaddress.ip_address("127.0.0.1")


def test_a_target_is_written_in_one_way():
    target = parse_target("HTTPS://Bücher.Example.TEST.:443/a b".replace(" ", "%20") + "?q=ü#part")
    assert target.url == "https://xn--bcher-kva.example.test/a%20b?q=%C3%BC"
    assert target.authority == "xn--bcher-kva.example.test"


def test_a_path_cannot_carry_a_second_header():
    assert parse_target("http://example.test/%0d%0aX:1").path == "/%0d%0aX:1"


@pytest.mark.parametrize(
    ("entry", "host", "address", "port", "opened"),
    [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1", 80, True),
        ("127.0.0.1", "127.0.0.1", "127.0.0.2", 80, False),
        ("127.0.0.1", "[::ffff:127.0.0.1]", "::ffff:127.0.0.1", 80, False),
        ("127.0.0.1:8000", "127.0.0.1", "127.0.0.1", 8000, True),
        ("127.0.0.1:8000", "127.0.0.1", "127.0.0.1", 8001, False),
        ("10.1.0.0/16", "db.test", "10.1.2.3", 443, True),
        ("10.1.0.0/16:443", "db.test", "10.1.2.3", 80, False),
        ("fd00::/8", "db.test", "fd00::7", 443, True),
        ("[::1]:8000", "::1", "::1", 8000, True),
        ("[::1]:8000", "::1", "::1", 8001, False),
        ("::1", "::1", "::1", 8001, True),
        ("Hook.Example.TEST", "hook.example.test", "10.0.0.5", 80, True),
        ("hook.example.test", "other.example.test", "10.0.0.5", 80, False),
        ("hook.example.test:81", "hook.example.test", "10.0.0.5", 80, False),
    ],
)
def test_an_entry_of_the_allowlist_opens_what_it_names_and_nothing_else(entry, host, address, port, opened):
    try:
        check_address(host, ipaddress.ip_address(address), port, read_allowlist([entry]))
    except Forbidden:
        assert not opened
    else:
        assert opened


@pytest.mark.parametrize(
    "entry", ["10.0.0.0/33", "10.0.0.1/8", "a b", "x:99999", "http://x/", "127.1", "*.example.test"]
)
def test_an_unreadable_entry_of_the_allowlist_is_named(entry):
    with pytest.raises(ValueError, match=entry.replace("*", r"\*").replace(".", r"\.")):
        read_allowlist(["8.8.8.8", entry])
