"""Object stores: fsspec's stores in memory and on disk, and S3 through a local server where s3fs and moto are installed."""

import socket
import sys
from pathlib import Path

import pytest

from rubric_factory.errors import MissingExtraError, SourceError
from rubric_factory.progress import Progress
from rubric_factory.settings.remote_sources import ObjectStoreSource
from rubric_factory.sources.objects import ObjectStore
from rubric_factory.workspace import Workspace

fsspec = pytest.importorskip("fsspec")
QUIET = Progress(quiet=True)


def store(tmp_path, url, **options):
    return ObjectStore(ObjectStoreSource(name="store", url=url, **options), Workspace(tmp_path / "workspace"), max_bytes=1000)


def outcome(reader):
    return {e.source_uri: Path(e.path).read_bytes() if e.path else e.problem[0] for e in reader.entries()}


@pytest.fixture
def memory():
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield files
    files.store.clear()


def test_objects_are_listed_copied_and_accounted_for(memory, tmp_path):
    memory.pipe(
        {"/reports/b/2.txt": b"two", "/reports/a 1#.txt": b"one", "/reports/big": b"x" * 1001, "/reports/none": b"", "/else": b"no"}
    )
    reader = store(tmp_path, "memory://reports")
    assert list(reader.entries()) == [] and not (tmp_path / "workspace").exists()
    reader.acquire(QUIET)
    assert outcome(reader) == {"a 1%23.txt": b"one", "b/2.txt": b"two", "big": "too_large", "none": "empty"}
    keys = [e.document_key for e in reader.entries()]
    assert keys == sorted(keys) and keys[0] == "store/a 1%23.txt"


def test_only_what_changed_is_read_again(memory, tmp_path, monkeypatch):
    memory.pipe({"/reports/one": b"one", "/reports/sub/two": b"two", "/reports/three": b"three"})
    reader = store(tmp_path, "memory://reports")
    reader.acquire(QUIET)
    first = {e.source_uri: e.marker for e in reader.entries()}
    opened = []
    kind = type(memory)
    original = kind.open
    monkeypatch.setattr(kind, "open", lambda self, path, *rest, **named: opened.append(path) or original(self, path, *rest, **named))
    reader.acquire(QUIET)
    assert not opened and {e.source_uri: e.marker for e in reader.entries()} == first
    with monkeypatch.context() as patch:
        patch.setattr(kind, "open", original)
        memory.pipe({"/reports/one": b"edited"})
        memory.rm("/reports/three")
    reader.acquire(QUIET)
    assert [Path(path).name for path in opened] == ["one"]
    assert outcome(reader) == {"one": b"edited", "sub/two": b"two"}


def test_an_etag_may_hold_the_sign_that_parts_name_and_version(memory, tmp_path, monkeypatch):
    memory.pipe({"/reports/a#1": b"one"})
    original = type(memory).find

    def tagged(self, *rest, **named):
        return {name: {**about, "ETag": '"x#y%23"'} for name, about in original(self, *rest, **named).items()}

    monkeypatch.setattr(type(memory), "find", tagged)
    reader = store(tmp_path, "memory://reports")
    reader.acquire(QUIET)
    assert outcome(reader) == {"a%231": b"one"}


def test_an_object_that_grows_while_it_is_read_and_one_that_cannot_be(memory, tmp_path, monkeypatch):
    memory.pipe({"/reports/a": b"one", "/reports/b": b"two"})
    original = type(memory).open

    def failing(self, path, *rest, **named):
        if path.endswith("/a"):
            raise PermissionError("no")
        handle = original(self, path, *rest, **named)
        handle.getbuffer()
        monkeypatch.setattr(handle, "read", lambda size: b"x" * 2000)
        return handle

    monkeypatch.setattr(type(memory), "open", failing)
    reader = store(tmp_path, "memory://reports")
    reader.acquire(QUIET)
    assert outcome(reader) == {"a": "unreadable", "b": "too_large"}
    monkeypatch.undo()
    reader.acquire(QUIET)
    assert outcome(reader) == {"a": b"one", "b": "too_large"}, "what could not be read is tried again"


def test_a_limit_copies_the_first_in_key_order(memory, tmp_path):
    memory.pipe({f"/reports/{n}": str(n).encode() for n in range(5)})
    reader = store(tmp_path, "memory://reports")
    reader.acquire(QUIET, 2)
    assert outcome(reader) == {"0": b"0", "1": b"1", "2": "not_fetched", "3": "not_fetched", "4": "not_fetched"}
    reader.acquire(QUIET)
    assert outcome(reader) == {str(n): str(n).encode() for n in range(5)}


def test_a_store_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(MissingExtraError):
        store(tmp_path, "gs://reports").acquire(QUIET)


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/latest", "file:///etc", "local:///etc", "simplecache::s3://x", "s3://x::file:///etc", "nonsense://x"],
)
def test_what_is_no_object_store_is_refused(url):
    with pytest.raises(ValueError, match="url"):
        ObjectStoreSource(name="store", url=url)


def test_a_secret_in_the_configuration_is_refused():
    with pytest.raises(ValueError, match="is a secret"):
        ObjectStoreSource(name="store", url="s3://reports", options={"secret": "x"})


@pytest.fixture
def s3(monkeypatch):
    pytest.importorskip("s3fs")
    server_module = pytest.importorskip("moto.server")
    for name, value in {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_s3_against_a_local_server(s3, tmp_path):
    import s3fs

    files = s3fs.S3FileSystem(endpoint_url=s3)
    files.mkdir("reports")
    files.pipe({"reports/2024/a.txt": b"one", "reports/2024/b.txt": b"two", "reports/2023/c.txt": b"old"})
    reader = store(tmp_path, "s3://reports/2024", options={"endpoint_url": s3})
    reader.acquire(QUIET)
    assert outcome(reader) == {"a.txt": b"one", "b.txt": b"two"}
    files.pipe({"reports/2024/a.txt": b"six"})
    files.rm("reports/2024/b.txt")
    again = store(tmp_path, "s3://reports/2024", options={"endpoint_url": s3, "use_listings_cache": False})
    again.acquire(QUIET)
    assert outcome(again) == {"a.txt": b"six"}, "same size, other ETag"
    missing = store(tmp_path, "s3://no-such-bucket/x", options={"endpoint_url": s3})
    with pytest.raises(SourceError, match="cannot be listed"):
        missing.acquire(QUIET)


def test_s3_without_a_server_is_one_line(tmp_path, monkeypatch):
    pytest.importorskip("s3fs")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    reader = store(tmp_path, "s3://reports", options={"endpoint_url": f"http://127.0.0.1:{port}", "anon": True})
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(SourceError) as caught:
        reader.acquire(QUIET)
    assert "cannot be listed" in str(caught.value) and "\n" not in str(caught.value)
