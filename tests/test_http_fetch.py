"""One document over HTTP, against a real server: hops, addresses, caps, retries, robots.txt, pace."""

import asyncio
import email.utils
import gzip
import hashlib
import itertools
import time

import pytest
from fetch_server import LOOPBACK, FetchServer, bomb, cut, document, endless, fetcher, hang, in_turn, packed, redirect, status

from rubric_factory.settings.network import NetworkSettings
from rubric_factory.sources.failed import Failed
from rubric_factory.sources.http_fetch import Buffer, Fetcher, Validators, retry_after, user_agent
from rubric_factory.sources.originals import Part, original_path, remove_parts
from rubric_factory.sources.politeness import Hosts
from rubric_factory.sources.urls import parse

MAX = 100_000


@pytest.fixture(scope="module")
def running():
    server = FetchServer()
    yield server
    server.close()


@pytest.fixture
def server(running):
    running.paths.clear()
    running.forget()
    return running


def fetch(url, network=LOOPBACK, *, lookup=None, max_bytes=MAX, **options):
    """(answer, body) of one URL."""

    async def run():
        body = Buffer()
        made = fetcher(network) if lookup is None else Fetcher(network, lookup=lookup, first_wait=0.001)
        async with made as client:
            answer = await client.fetch(url, body, max_bytes=max_bytes, **options)
        return answer, bytes(body)

    return asyncio.run(run())


def refused(url, network=LOOPBACK, **options):
    with pytest.raises(Failed) as caught:
        fetch(url, network, **options)
    return caught.value


def changed(**values):
    return NetworkSettings(**{**LOOPBACK.model_dump(), **values})


def test_a_document_with_its_validators_and_who_asked(server):
    server.paths["/a"] = document(b"text", ETag='"1"')
    answer, body = fetch(server.url("/a"), changed(contact="mailto:lab@example.org"))
    assert (answer.status, body, answer.etag, answer.url) == (200, b"text", '"1"', server.url("/a"))
    headers = server.requests[-1][2]
    assert headers["User-Agent"] == user_agent("mailto:lab@example.org") and "(+mailto:lab@example.org)" in headers["User-Agent"]
    assert "Cookie" not in headers and "Authorization" not in headers


def test_an_unchanged_document_is_not_sent_again(server):
    server.paths["/a"] = document(b"text", ETag='"1"')
    answer, body = fetch(server.url("/a"), known=Validators(server.url("/a"), '"1"'))
    assert (answer.status, body) == (304, b"")


def test_validators_go_only_to_the_url_that_gave_them(server):
    server.paths["/old"], server.paths["/new"] = redirect("/new"), document(b"text", ETag='"1"')
    fetch(server.url("/old"), known=Validators(server.url("/new"), '"1"'))
    sent = {path: "If-None-Match" in headers for _, path, headers in server.requests}
    assert sent == {"/robots.txt": False, "/old": False, "/new": True}


# --- addresses, on every hop -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2:{port}/secret",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:{port}/secret",
        "http://[::ffff:127.0.0.2]:{port}/secret",
        "http://[64:ff9b::7f00:2]:{port}/secret",
        "http://[2002:7f00:2::1]:{port}/secret",
        "http://0.0.0.0:{port}/secret",
        "http://10.0.0.1/",
        "//127.0.0.2:{port}/secret",
    ],
)
def test_a_redirect_to_an_address_that_is_not_public(server, target):
    server.paths["/r"], server.paths["/secret"] = redirect(target.format(port=server.port)), document(b"secret")
    failed = refused(server.url("/r"))
    assert (failed.reason, failed.transient) == ("non_global_address", False)
    assert "/secret" not in server.asked


@pytest.mark.parametrize("target", ["http://2130706434:{port}/secret", "http://0x7f.2:{port}/secret", "http://0177.0.0.2:{port}/secret"])
def test_a_redirect_to_an_address_in_disguise(server, target):
    server.paths["/r"], server.paths["/secret"] = redirect(target.format(port=server.port)), document(b"secret")
    assert refused(server.url("/r")).reason == "redirect_refused"
    assert "/secret" not in server.asked


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "data:text/plain,x", "http://u:p@127.0.0.1/"]
)
def test_a_redirect_to_another_scheme_or_with_a_password(server, target):
    server.paths["/r"] = redirect(target)
    assert refused(server.url("/r")).reason == "redirect_refused"


def test_nothing_private_is_permitted_by_default(server):
    server.paths["/secret"] = document(b"secret")
    assert refused(server.url("/secret"), NetworkSettings(host_seconds=0)).reason == "non_global_address"
    assert refused(f"http://localhost:{server.port}/secret", NetworkSettings(host_seconds=0)).reason == "non_global_address"
    assert not server.asked


def names(**known):
    """A lookup over a table; a list of lists is gone through answer by answer."""
    answers = {name: list(values) for name, values in known.items()}
    asked = []

    async def lookup(host):
        asked.append(host)
        found = answers[host.replace(".", "_")]
        return found.pop(0) if isinstance(found[0], list) and len(found) > 1 else (found[0] if isinstance(found[0], list) else found)

    lookup.asked = asked
    return lookup


def test_a_name_that_changes_its_mind_is_connected_to_where_it_was_checked(server):
    """127.0.0.1 plays the public address; the rebound answer is 127.0.0.2, where the secret is."""
    server.paths["/a"] = document(b"public")
    lookup = names(rebind_test=[["127.0.0.1"], ["127.0.0.2"]])
    _, body = fetch(f"http://rebind.test:{server.port}/a", lookup=lookup)
    assert body == b"public" and lookup.asked == ["rebind.test"], "checked and connected to with one lookup"
    failed = refused(f"http://rebind.test:{server.port}/a", lookup=lookup)
    assert failed.reason == "non_global_address" and "127.0.0.2" in failed.detail


def test_a_name_rebound_during_a_run_reaches_nothing_else(server):
    """Connections are closed after each answer, so every hop connects anew."""
    server.paths["/a"] = status(302, Location="/b", Connection="close")
    server.paths["/b"] = document(b"secret")
    network = changed(allow_addresses=("127.0.0.1/32",))

    async def run():
        lookup = names(rebind_test=[["127.0.0.1"], ["127.0.0.2"]])
        async with Fetcher(network, lookup=lookup, first_wait=0.001) as client:
            client._connector._use_dns_cache = False  # as if its time had run out
            with pytest.raises(Failed) as caught:
                await client.fetch(f"http://rebind.test:{server.port}/a", Buffer(), max_bytes=MAX, robots=False)
        return caught.value

    assert asyncio.run(run()).reason == "non_global_address"
    assert "/b" not in server.asked


def test_a_name_with_one_private_address_among_public_ones_is_refused(server):
    lookup = names(mixed_test=["127.0.0.1", "10.0.0.1"])
    assert refused(f"http://mixed.test:{server.port}/a", lookup=lookup).reason == "non_global_address"
    assert not server.asked


def test_an_unknown_name_may_be_known_later():
    async def lookup(host):
        raise OSError(-2, "Name or service not known")

    failed = refused("http://nowhere.test/", lookup=lookup)
    assert (failed.reason, failed.transient, failed.answered) == ("host_unknown", True, False)


def test_environment_proxies_are_not_used(server, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.2:{server.port}")
    server.paths["/a"] = document(b"text")
    fetch(server.url("/a"))
    assert {host for host, _, _ in server.requests} == {f"127.0.0.1:{server.port}"}


def test_a_configured_proxy_is_asked_instead_and_still_not_for_private_addresses(server):
    server.paths["/a"] = document(b"through the proxy")
    network = NetworkSettings(host_seconds=0, proxy=f"http://127.0.0.2:{server.port}")
    _, body = fetch("http://public.test/a", network)
    assert body == b"through the proxy" and server.requests[-1][0] == "public.test"
    assert refused("http://10.0.0.1/a", network).reason == "non_global_address"


# --- redirects, caps, damage -------------------------------------------------------------------------------------------------------


def test_redirects_are_followed_and_counted(server):
    server.paths["/1"], server.paths["/2"], server.paths["/3"] = redirect("2", 301), redirect("/3", 308), document(b"there")
    answer, body = fetch(server.url("/1"))
    assert body == b"there" and answer.url == server.url("/3")
    server.paths["/loop"] = redirect("/loop")
    assert refused(server.url("/loop")).reason == "too_many_redirects"
    assert server.asked["/loop"] == LOOPBACK.max_redirects + 1


@pytest.mark.parametrize(
    "behaviour",
    [
        document(b"x" * (MAX + 1)),
        cut(10**12, b"x"),
        endless,
        packed(bomb(50)),
        packed(gzip.compress(b"x" * 60_000) * 2),
    ],
    ids=["announced", "announced falsely", "endless", "gzip bomb", "two gzip members"],
)
def test_nothing_larger_than_the_cap_is_taken(server, behaviour):
    server.paths["/big"] = behaviour
    assert refused(server.url("/big")).reason == "too_large"
    assert server.asked["/big"] == 1, "a second try would be as large"


def test_a_packed_body_is_unpacked(server):
    text = b"packed text " * 5000
    server.paths["/z"] = packed(gzip.compress(text[:30000]) + gzip.compress(text[30000:]))
    assert fetch(server.url("/z"))[1] == text


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (cut(1000, b"half"), "transport"),
        (packed(gzip.compress(b"x" * 10_000)[:-9]), "transport"),
        (packed(b"\x1f\x8b no gzip at all"), "transport"),
        (packed(b"x", "br"), "content_encoding"),
        (status(404), "http_status"),
        (status(403), "http_status"),
        (status(206), "http_status"),
        (status(301), "http_status"),
        (status(500), "server_busy"),
    ],
)
def test_what_is_no_document(server, behaviour, reason):
    server.paths["/a"] = behaviour
    failed = refused(server.url("/a"))
    assert failed.reason == reason
    assert server.asked["/a"] == (1 + LOOPBACK.retries if failed.transient else 1)


def test_a_server_that_says_nothing_costs_the_time_limit_and_no_more(server):
    server.paths["/a"] = hang
    failed = refused(server.url("/a"), changed(timeout_seconds=0.2, retries=0))
    assert (failed.reason, failed.transient) == ("timeout", True)


def test_a_passing_fault_is_retried_with_a_fresh_body(server):
    server.paths["/a"] = in_turn(status(503), cut(1000, b"half of it"), document(b"all of it"))
    assert fetch(server.url("/a"))[1] == b"all of it"


# --- patience ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, None), ("7", 7.0), (" 7 ", 7.0), ("soon", None), ("-1", None), ("", None), ("9" * 40, 999999999.0)],
)
def test_retry_after(value, seconds):
    assert retry_after(value, now=0.0) == seconds


def test_retry_after_as_a_date():
    assert retry_after(email.utils.formatdate(1_000_060, usegmt=True), now=1_000_000) == 60
    assert retry_after(email.utils.formatdate(1_000_000, usegmt=True), now=1_000_060) == 0


def test_retry_after_is_waited_for(server):
    server.paths["/a"] = in_turn(status(429, Retry_After="1"), document(b"text"))
    began = time.monotonic()
    fetch(server.url("/a"))
    assert time.monotonic() - began >= 1.0


def test_a_wait_that_is_too_long_is_a_failure_that_may_pass(server):
    server.paths["/a"] = status(429, Retry_After="3600")
    failed = refused(server.url("/a"))
    assert (failed.reason, failed.transient, server.asked["/a"]) == ("server_busy", True, 1)


def slots(network, requests):
    """Moments (seconds from the first) at which requests to a host get their slot, each held for 20 ms."""

    async def run():
        hosts = Hosts(network)
        moments, most, now = [], 0, 0

        async def one(url):
            nonlocal most, now
            async with hosts.slot(parse(url)):
                moments.append(time.monotonic())
                now += 1
                most = max(most, now)
                await asyncio.sleep(0.02)
                now -= 1

        await asyncio.gather(*(one(url) for url in requests))
        return [moment - moments[0] for moment in moments], most

    return asyncio.run(run())


def test_requests_to_one_host_keep_their_distance():
    moments, _ = slots(changed(host_seconds=0.05), ["http://a.test/"] * 4)
    assert all(later - earlier >= 0.049 for earlier, later in itertools.pairwise(moments))


def test_requests_at_once_are_bounded_for_a_host_and_for_all():
    assert slots(changed(host_concurrency=2), ["http://a.test/"] * 6)[1] == 2
    assert slots(changed(host_concurrency=2, concurrency=3), [f"http://h{n}.test/" for n in range(6)])[1] == 3


# --- robots.txt --------------------------------------------------------------------------------------------------------------------


def test_robots_txt_is_obeyed_at_every_hop_and_asked_once(server):
    server.paths["/robots.txt"] = document(b"User-agent: *\nDisallow: /private\nAllow: /private/but-this\n")
    server.paths["/a"], server.paths["/r"] = document(b"text"), redirect("/private/x")
    server.paths["/private/but-this"] = document(b"allowed")

    async def run():
        async with fetcher(LOOPBACK) as client:
            await client.fetch(server.url("/a"), Buffer(), max_bytes=MAX)
            await client.fetch(server.url("/private/but-this"), Buffer(), max_bytes=MAX)
            for path in ("/private/x", "/r"):
                with pytest.raises(Failed) as caught:
                    await client.fetch(server.url(path), Buffer(), max_bytes=MAX)
                assert (caught.value.reason, caught.value.transient) == ("robots", False)

    asyncio.run(run())
    assert server.asked["/robots.txt"] == 1 and "/private/x" not in server.asked


def test_rules_addressed_to_us_go_before_those_for_all(server):
    server.paths["/robots.txt"] = document(b"User-agent: *\nDisallow:\n\nUser-agent: rubric-factory\nDisallow: /*.pdf$\n")
    server.paths["/a"] = document(b"text")
    fetch(server.url("/a"))
    assert refused(server.url("/b.pdf")).reason == "robots"


@pytest.mark.parametrize(
    ("robots", "reason"),
    [
        (status(404), None),
        (status(403), None),
        (redirect("/robots.txt"), None),
        (document(b"\xff\xfe\x00 no rules"), None),
        (status(500), "robots_unavailable"),
        (status(429, Retry_After="3600"), "robots_unavailable"),
        (document(b"#" * 600_000), "robots"),
        (redirect("ftp://127.0.0.1/robots.txt"), None),
        (redirect("http://127.0.0.2/robots.txt"), "non_global_address"),
        (document(b"User-agent: *\nCrawl-delay: 3600\n"), "robots"),
    ],
)
def test_where_robots_txt_is_missing_or_says_too_much(server, robots, reason):
    server.paths["/robots.txt"], server.paths["/a"] = robots, document(b"text")
    if reason is None:
        assert fetch(server.url("/a"))[1] == b"text"
    else:
        failed = refused(server.url("/a"))
        assert failed.reason == reason and failed.transient == (reason == "robots_unavailable")
        assert "/a" not in server.asked


def test_crawl_delay_is_kept(server):
    server.paths["/robots.txt"] = document(b"User-agent: *\nCrawl-delay: 0.2\n")
    server.paths["/a"] = document(b"text")
    moments = []

    async def run():
        async with fetcher(LOOPBACK) as client:
            for _ in range(3):
                await client.fetch(server.url("/a"), Buffer(), max_bytes=MAX)
                moments.append(time.monotonic())

    asyncio.run(run())
    assert moments[1] - moments[0] >= 0.15 and moments[2] - moments[1] >= 0.15


# --- originals ---------------------------------------------------------------------------------------------------------------------


def test_bytes_are_kept_under_their_digest_and_nothing_half_written_stays(tmp_path):
    digest = hashlib.sha256(b"onetwo").hexdigest()
    for _ in range(2):
        with Part(tmp_path) as part:
            part.write(b"lost")
            part.reset()
            part.write(b"one")
            part.write(b"two")
            assert part.keep().sha256 == digest
    with Part(tmp_path) as part:
        part.write(b"dropped")
    assert original_path(tmp_path, digest).read_bytes() == b"onetwo"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [digest]
    (tmp_path / ".0123.part").write_bytes(b"of a killed run")
    remove_parts(tmp_path)
    assert not (tmp_path / ".0123.part").exists()
