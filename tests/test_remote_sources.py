"""Lists of URLs: every line accounted for, nothing fetched twice, kill -9 at any moment, no network said in one line."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial
from pathlib import Path

import pytest
from fetch_server import LOOPBACK, FetchServer, die_at, document, hang, quick_folder, redirect, status

from rubric_factory.errors import SourceError, UsageError, WorkspaceError
from rubric_factory.progress import Progress
from rubric_factory.settings.network import NetworkSettings
from rubric_factory.settings.remote_sources import UrlListSource
from rubric_factory.sources import acquire as acquire_module
from rubric_factory.sources.acquire import Acquisition
from rubric_factory.sources.fetch_index import FetchIndex
from rubric_factory.sources.url_list import UrlList
from rubric_factory.workspace import Workspace

QUIET = Progress(quiet=True)


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


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Retries do not wait."""
    monkeypatch.setattr(acquire_module, "Fetcher", partial(acquire_module.Fetcher, first_wait=0.001))


def url_list(tmp_path, urls, **options):
    source = UrlListSource(name="web", urls=tuple(urls), **{"network": LOOPBACK, **options})
    return UrlList(source, Workspace(tmp_path / "workspace"), max_bytes=1000)


def outcome(reader):
    """Source URI to bytes, or to the reason why there are none."""
    return {e.source_uri: Path(e.path).read_bytes() if e.path else e.problem[0] for e in reader.entries()}


def files(folder):
    return {path.relative_to(folder) for path in folder.rglob("*")} if folder.exists() else set()


def test_every_line_ends_as_bytes_or_as_a_reason(server, tmp_path):
    server.paths |= {"/a": document(b"text"), "/big": document(b"x" * 1001), "/empty": document(b""), "/r": redirect("/a")}
    server.paths["/busy"] = status(503)
    listed = tmp_path / "urls.txt"
    lines = [
        "# a comment",
        "",
        server.url("/a#part"),
        f"  {server.url('/a')}  ",
        *map(server.url, ("/big", "/empty", "/r", "/busy", "/gone")),
    ]
    lines += ["ftp://example.org/x", "http://10.0.0.1/", "http://u:p@example.org/", "no url"]
    listed.write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    reader = url_list(tmp_path, [server.url("/also")], path=listed)
    before = {e.source_uri: e.problem for e in reader.entries()}
    assert before[server.url("/a")][0] == "not_fetched" and not (tmp_path / "workspace").exists(), "a plan asks nobody and makes nothing"
    reader.acquire(QUIET)
    assert outcome(reader) == {
        server.url("/a"): b"text",
        server.url("/r"): b"text",
        server.url("/big"): "too_large",
        server.url("/empty"): "empty",
        server.url("/busy"): "server_busy",
        server.url("/gone"): "http_status",
        server.url("/also"): "http_status",
        "ftp://example.org/x": "bad_url",
        "http://10.0.0.1/": "non_global_address",
        "http://u:p@example.org/": "bad_url",
        "no url": "bad_url",
    }
    entries = list(reader.entries())
    assert [e.document_key for e in entries] == sorted(e.document_key for e in entries)
    assert all(e.document_key == f"web/{e.source_uri}" and "#" not in e.document_key for e in entries)
    marked = {e.source_uri: e.marker for e in entries if e.path}
    assert marked[server.url("/a")] == hashlib.sha256(b"text").hexdigest()


def test_a_second_ingest_asks_conditionally_and_an_edit_shows(server, tmp_path):
    server.paths |= {"/a": document(b"one", ETag='"1"'), "/b": document(b"two", ETag='"2"')}
    reader = url_list(tmp_path, [server.url("/a"), server.url("/b")])
    reader.acquire(QUIET)
    first = list(reader.entries())
    server.forget()
    reader.acquire(QUIET)
    assert list(reader.entries()) == first
    assert all("If-None-Match" in headers for _, path, headers in server.requests if path in ("/a", "/b"))
    server.paths["/a"] = document(b"edited", ETag='"3"')
    reader.acquire(QUIET)
    assert outcome(reader) == {server.url("/a"): b"edited", server.url("/b"): b"two"}


def test_a_document_that_is_fresh_is_not_asked_for(server, tmp_path):
    server.paths |= {"/a": document(b"one"), "/busy": status(503)}
    reader = url_list(tmp_path, [server.url("/a"), server.url("/busy")], refresh_days=1)
    reader.acquire(QUIET)
    server.forget()
    server.paths["/busy"] = document(b"now")
    reader.acquire(QUIET)
    assert set(server.documents_asked()) == {"/busy"}, "what failed in passing is asked for again, what was had is not"
    server.forget()
    reader.acquire(QUIET)
    assert not server.asked


def test_an_outage_costs_no_document_and_a_removal_does(server, tmp_path):
    server.paths |= {"/a": document(b"one"), "/b": document(b"two")}
    reader = url_list(tmp_path, [server.url("/a"), server.url("/b")])
    reader.acquire(QUIET)
    server.paths |= {"/a": status(500), "/b": status(404)}
    reader.acquire(QUIET)
    assert outcome(reader) == {server.url("/a"): b"one", server.url("/b"): "http_status"}


def test_lost_bytes_are_fetched_anew_and_never_asked_for_conditionally(server, tmp_path):
    server.paths["/a"] = document(b"one", ETag='"1"')
    reader = url_list(tmp_path, [server.url("/a")], refresh_days=9)
    reader.acquire(QUIET)
    Path(next(reader.entries()).path).unlink()
    assert next(reader.entries()).problem[0] == "not_fetched"
    reader.acquire(QUIET)
    assert outcome(reader) == {server.url("/a"): b"one"}


def test_without_a_network_one_line_says_so_and_hosts_are_not_asked_one_by_one(tmp_path):
    """Nobody listens on port 9 of 127.0.0.1."""
    reader = url_list(tmp_path, [f"http://127.0.0.1:9/{n}" for n in range(500)])
    with pytest.raises(SourceError) as caught:
        reader.acquire(QUIET)
    assert "no answer from any host" in str(caught.value) and "\n" not in str(caught.value)
    assert {e.problem[0] for e in reader.entries()} == {"not_fetched"}, "no document is blamed for it"


def test_without_a_network_what_was_fetched_is_used(server, tmp_path):
    server.paths["/a"] = document(b"one")
    reader = url_list(tmp_path, [server.url("/a")])
    reader.acquire(QUIET)
    offline = NetworkSettings(**{**LOOPBACK.model_dump(), "proxy": "http://127.0.0.1:9"})
    unplugged = url_list(tmp_path, [server.url("/a")], network=offline)
    shown = tmp_path / "progress"
    unplugged.acquire(Progress(folder=shown, quiet=True))
    assert outcome(unplugged) == {server.url("/a"): b"one"}
    assert "nobody answered" in (shown / "fetch web.json").read_text()


def test_a_dead_host_among_live_ones_is_its_documents_own_failure(server, tmp_path):
    server.paths["/a"] = document(b"one")
    reader = url_list(tmp_path, ["http://127.0.0.1:9/x", server.url("/a")])
    reader.acquire(QUIET)
    assert outcome(reader) == {"http://127.0.0.1:9/x": "transport", server.url("/a"): b"one"}


def test_a_list_that_cannot_be_read(tmp_path):
    reader = url_list(tmp_path, [], path=tmp_path / "none.txt")
    with pytest.raises(UsageError, match="cannot read the list of URLs"):
        reader.check()


def test_a_damaged_index_says_what_to_do(tmp_path):
    folder = tmp_path / "workspace" / "originals"
    folder.mkdir(parents=True)
    (folder / "index.sqlite").write_bytes(b"no database " * 1000)
    with pytest.raises(WorkspaceError, match="damaged"):
        url_list(tmp_path, ["http://127.0.0.1:9/"]).acquire(QUIET)


def test_a_plan_leaves_no_file_behind(server, tmp_path):
    server.paths["/a"] = document(b"one")
    reader = url_list(tmp_path, [server.url("/a")])
    reader.acquire(QUIET)
    before = files(tmp_path)
    server.forget()
    list(reader.entries())
    assert files(tmp_path) == before and not server.asked


def test_a_limit_takes_the_first_in_key_order_and_the_round_goes_on(server, tmp_path):
    paths = [f"/{n}" for n in range(6)]
    server.paths |= {path: document(path.encode()) for path in paths}
    reader = url_list(tmp_path, map(server.url, paths))
    reader.acquire(QUIET, 2)
    assert set(server.documents_asked()) == {"/0", "/1"}
    reader.acquire(QUIET)
    assert server.documents_asked() == dict.fromkeys(paths, 1), "the round that the limit cut short goes on"


CHILD = """
import sys
from pathlib import Path
from rubric_factory.progress import Progress
from rubric_factory.settings.remote_sources import UrlListSource
from rubric_factory.sources.url_list import UrlList
from rubric_factory.workspace import Workspace
network = {"allow_addresses": ["127.0.0.1/32"], "host_seconds": 0, "host_concurrency": 2}
source = UrlListSource(name="web", path=Path(sys.argv[1]), network=network)
UrlList(source, Workspace(Path(sys.argv[2])), max_bytes=10_000).acquire(Progress(quiet=True))
"""


def test_killed_at_any_moment_it_fetches_nothing_twice_that_was_complete(server, tmp_path):
    paths = [f"/{n:03d}" for n in range(60)]

    def slowly(path):
        async def behave(server, request):
            await acquire_module.asyncio.sleep(0.01)
            return await document(path.encode() * 50)(server, request)

        return behave

    server.paths |= {path: slowly(path) for path in paths}
    listed = tmp_path / "urls.txt"
    listed.write_text("\n".join(map(server.url, paths)))
    draw, kills = random.Random(7), 0
    command = [sys.executable, "-c", textwrap.dedent(CHILD), str(listed), str(tmp_path / "workspace")]
    while True:
        child = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)})
        already = server.asked.total()
        until = already + draw.randint(2, 20)
        while child.poll() is None and (server.asked.total() < until or kills >= 3):
            time.sleep(0.002)
        if child.poll() is not None:
            break
        child.send_signal(signal.SIGKILL)
        child.wait()
        kills += 1
    assert child.returncode == 0 and kills >= 3
    asked = server.documents_asked()
    assert set(asked) == set(paths)
    assert sum(asked.values()) - len(paths) <= 2 * kills, "only what was under way (two at once) is asked for again"
    reader = url_list(tmp_path, [], path=listed)
    assert outcome(reader) == {server.url(path): path.encode() * 50 for path in paths}
    assert not list((tmp_path / "workspace" / "originals").glob(".*.part"))


@pytest.fixture
def quick_path():
    with quick_folder() as folder:
        yield folder


def test_every_fsync_rename_and_statement_as_a_crash_point(server, quick_path):
    server.paths |= {"/a": document(b"one"), "/b": document(b"two")}
    reader = url_list(quick_path, [server.url("/a"), server.url("/b")], refresh_days=9)
    whole, point = {server.url("/a"): b"one", server.url("/b"): b"two"}, 0
    while True:
        point += 1
        for path in (quick_path / "workspace").rglob("*"):
            if path.is_file():
                path.unlink()
        code = die_at(point, reader)
        if code == 0:
            break
        assert code == 9
        had = [uri for uri, found in outcome(reader).items() if found in (b"one", b"two")]
        server.forget()
        reader.acquire(QUIET)
        assert outcome(reader) == whole
        assert not {path for path in server.documents_asked() if server.url(path) in had}, "what was complete is not asked for again"
        assert not list((quick_path / "workspace" / "originals").glob(".*.part"))
    assert point > 15


def test_ctrl_c_keeps_what_was_finished(server, tmp_path, monkeypatch):
    server.paths |= {"/a": document(b"one"), "/b": hang}
    reader = url_list(tmp_path, [server.url("/a"), server.url("/b")], network=LOOPBACK.model_copy(update={"host_concurrency": 1}))
    original = Acquisition._ask

    async def interrupted(self, client, wanted):
        if wanted.url.endswith("/b"):
            raise KeyboardInterrupt
        await original(self, client, wanted)

    monkeypatch.setattr(Acquisition, "_ask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        reader.acquire(QUIET)
    assert outcome(reader) == {server.url("/a"): b"one", server.url("/b"): "not_fetched"}


def test_history_grows_only_with_changes(server, tmp_path):
    server.paths["/a"] = document(b"one", ETag='"1"')
    reader = url_list(tmp_path, [server.url("/a")])
    for _ in range(3):
        reader.acquire(QUIET)
    with FetchIndex(tmp_path / "workspace" / "originals", make=False) as index:
        assert index.state("web", server.url("/a")).fetch == 1
    server.paths["/a"] = status(410)
    reader.acquire(QUIET)
    with FetchIndex(tmp_path / "workspace" / "originals", make=False) as index:
        assert index.state("web", server.url("/a")).fetch == 2
