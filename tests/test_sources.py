"""The folder source: every entry once, judged unopened."""

import os
import socket
import urllib.parse
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.errors import ConfigurationError, UsageError
from rubric_factory.settings.sources import FolderSource
from rubric_factory.sources.folder import Folder
from rubric_factory.sources.protocol import escape
from rubric_factory.workspace import Workspace


def found(folder: Path, **options):
    source = FolderSource(name="docs", path=folder, **options)
    return list(Folder(source, Workspace(folder / "none"), max_bytes=1000).entries())


def test_every_entry_once_in_key_order(tmp_path):
    for name in ("b.txt", "a/z.txt", "a/b/c.txt", "a.txt", ".hidden"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text")
    keys = [entry.document_key for entry in found(tmp_path)]
    assert keys == sorted(keys) == ["docs/.hidden", "docs/a.txt", "docs/a/b/c.txt", "docs/a/z.txt", "docs/b.txt"]


def test_traps_are_named_and_never_opened(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "empty").touch()
    with (tmp_path / "sparse").open("wb") as handle:
        handle.truncate(20_000_000_000)
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(tmp_path)
        server.bind("sock")
    monkeypatch.setattr("builtins.open", lambda *_: pytest.fail("opened"))
    monkeypatch.setattr("os.open", lambda *_: pytest.fail("opened"))
    reasons = {entry.source_uri: entry.problem and entry.problem[0] for entry in found(tmp_path)}
    assert reasons == {
        "fifo": "fifo",
        "loop": "symlink",
        "dangling": "symlink",
        "device": "symlink",
        "empty": "empty",
        "sparse": "too_large",
        "sock": "socket",
    }


def test_unreadable_file_and_folder(tmp_path, monkeypatch):
    (tmp_path / "secret.txt").write_text("text")
    (tmp_path / "closed").mkdir()
    real = os.scandir

    def scandir(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert [(entry.source_uri, entry.problem[0]) for entry in found(tmp_path)] == [("closed/", "unreadable"), ("secret.txt", "unreadable")]


def test_exclude_crosses_folders_and_comes_first(tmp_path):
    (tmp_path / "licences/deep").mkdir(parents=True)
    (tmp_path / "licences/deep/a.txt").write_text("text")
    (tmp_path / "licences/empty").touch()
    (tmp_path / "b.txt").write_text("text")
    reasons = {entry.source_uri: entry.problem and entry.problem[0] for entry in found(tmp_path, exclude=("licences/*",))}
    assert reasons == {"b.txt": None, "licences/deep/a.txt": "excluded", "licences/empty": "excluded"}


def test_licences_from_the_table(tmp_path):
    (tmp_path / "docs/sub").mkdir(parents=True)
    for name in ("a.txt", "sub/b.txt"):
        (tmp_path / "docs" / name).write_text("text")
    table = tmp_path / "table.tsv"
    table.write_text("licence\tfile\tmore\nMIT\tsub/b.txt\tx\n\n")
    licences = {entry.source_uri: entry.licence for entry in found(tmp_path / "docs", licence="GPL-2", licence_table=table)}
    assert licences == {"a.txt": "GPL-2", "sub/b.txt": "MIT"}


@pytest.mark.parametrize("content", [b"", b"name\tlicence\n", b"file\tlicence\na.txt\n", b"file\tlicence\n\xff\tMIT\n"])
def test_malformed_licence_table(tmp_path, content):
    table = tmp_path / "table.tsv"
    table.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"table\.tsv"):
        found(tmp_path, licence_table=table)


def test_a_name_that_is_not_utf8(tmp_path):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9#1%.txt")).write_bytes(b"text")
    (entry,) = found(tmp_path)
    assert entry.document_key == "docs/caf%E9%231%25.txt"
    assert Path(entry.path).read_bytes() == b"text"


@given(st.binary(min_size=1).filter(lambda name: b"\0" not in name and b"/" not in name))
def test_escaping_is_reversible(name):
    escaped = escape(os.fsdecode(name))
    assert urllib.parse.unquote_to_bytes(escaped) == name
    assert escaped.isprintable() and "#" not in escaped


def test_missing_folder_and_a_file(tmp_path):
    (tmp_path / "file").write_text("text")
    for path in (tmp_path / "missing", tmp_path / "file"):
        with pytest.raises(UsageError, match="expected a folder of documents"):
            found(path)
