"""Archives as sources: every member once, never unpacked by name, bombs and damage recorded."""

import bz2
import gzip
import io
import lzma
import os
import stat
import struct
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from rubric_factory.errors import UsageError
from rubric_factory.progress import Progress
from rubric_factory.settings import Settings
from rubric_factory.settings.local_sources import ArchiveSource
from rubric_factory.sources import tar_members
from rubric_factory.sources.archive import WHOLE, Archive
from rubric_factory.stages import Context
from rubric_factory.stages.ingest import ingest
from rubric_factory.workspace import Workspace

PROSE = b"The valve is closed when the pressure in the tank exceeds the limit that is set by the operator. "


def reader(path: Path, max_bytes: int = 100_000, **options) -> Archive:
    return Archive(ArchiveSource(name="a", path=path, **options), Workspace(path.parent / "none"), max_bytes=max_bytes)


def reasons(source: Archive) -> dict[str, str | None]:
    """Reason by key."""
    return {entry.document_key.removeprefix("a/"): entry.problem and entry.problem[0] for entry in source.entries()}


def contents(source: Archive, folder: Path) -> dict[str, bytes | str]:
    """What parsers get of the entries without a problem: bytes, or the reason why there are none."""
    wanted = [entry for entry in source.entries() if entry.problem is None]
    found = {}
    for entry, made in source.materialise(iter(wanted), folder):
        found[entry.source_uri] = Path(made).read_bytes() if isinstance(made, str) else made[0]
    return found


def member(name: str, data: bytes = b"text", kind: bytes = tarfile.REGTYPE, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, len(data)
    return info, data


def tar_bytes(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def write_zip(path: Path, *members: tuple[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


PACKED = {
    "plain.tar": lambda data: data,
    "x.tar.gz": gzip.compress,
    "x.tar.bz2": bz2.compress,
    "x.tar.xz": lzma.compress,
    "x.tar.zst": lambda data: pa.compress(data, codec="zstd", asbytes=True),
    "named.zip": lambda data: data,  # what it is, is told from its content
}


@pytest.mark.parametrize("name", PACKED)
def test_members_of_a_tar_whatever_it_is_compressed_with(tmp_path, name):
    inside = tar_bytes(member("docs/a.txt", b"one"), member("docs", b"", tarfile.DIRTYPE), member("docs/sub/b #1.txt", b"two" * 90_000))
    (tmp_path / name).write_bytes(PACKED[name](inside))
    source = reader(tmp_path / name, 1_000_000)
    assert reasons(source) == {"docs/a.txt": None, "docs/sub/b %231.txt": None}
    assert contents(source, tmp_path / "spool") == {"docs/a.txt": b"one", "docs/sub/b %231.txt": b"two" * 90_000}
    assert not (tmp_path / "docs").exists() and not (tmp_path / "spool/docs").exists()


def test_members_of_a_zip_and_their_markers(tmp_path):
    path = write_zip(tmp_path / "z.bin", ("a.txt", b"one"), ("folder/", b""), ("folder/b.txt", PROSE * 100))
    source = reader(path)
    assert reasons(source) == {"a.txt": None, "folder/b.txt": None}
    assert contents(source, tmp_path / "spool") == {"a.txt": b"one", "folder/b.txt": PROSE * 100}
    before = {entry.document_key: entry.marker for entry in source.entries()}
    write_zip(path, ("folder/b.txt", PROSE * 100), ("a.txt", b"two"))
    after = {entry.document_key: entry.marker for entry in source.entries()}
    assert before["a/folder/b.txt"] == after["a/folder/b.txt"] and before["a/a.txt"] != after["a/a.txt"]


def test_a_tar_made_anew_with_the_same_contents_has_the_same_markers(tmp_path):
    path = tmp_path / "x.tar"
    path.write_bytes(tar_bytes(member("a", b"one"), member("b", b"two")))
    before = [(entry.document_key, entry.marker) for entry in reader(path).entries()]
    path.write_bytes(gzip.compress(tar_bytes(member("a", b"one"), member("b", b"tw2"))))
    after = [(entry.document_key, entry.marker) for entry in reader(path).entries()]
    assert before[0] == after[0] and before[1][0] == after[1][0] and before[1] != after[1]


BAD_NAMES = ("/etc/passwd", "../up.txt", "a/../../b", "C:\\windows\\x", "..\\up", "\\\\host\\share\\x")


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_names_that_lead_out_are_refused_and_never_written(tmp_path, kind):
    path = tmp_path / "x"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name in (*BAD_NAMES, "good.txt"):
                info = zipfile.ZipInfo("x")
                info.filename = name  # as it is, not as zipfile mends it
                archive.writestr(info, b"text")
    else:
        path.write_bytes(tar_bytes(*(member(name) for name in (*BAD_NAMES, "good.txt"))))
    found = reasons(reader(path))
    assert list(found.values()) == ["unsafe_name"] * len(BAD_NAMES) + [None]
    spool = tmp_path / "spool"
    assert contents(reader(path), spool) == {"good.txt": b"text"}
    assert [file.name for file in spool.iterdir()] == ["a.0"] and not (tmp_path / "up.txt").exists()


def test_what_is_no_regular_member_of_a_tar(tmp_path):
    path = tmp_path / "x.tar"
    kinds = {
        "s": (tarfile.SYMTYPE, "symlink"),
        "h": (tarfile.LNKTYPE, "hardlink"),
        "c": (tarfile.CHRTYPE, "device"),
        "b": (tarfile.BLKTYPE, "device"),
        "f": (tarfile.FIFOTYPE, "fifo"),
        "?": (b"Z", "unsupported"),
    }
    members = [member(name, b"", kind, "/etc/passwd") for name, (kind, _) in kinds.items()]
    path.write_bytes(tar_bytes(*members, member("e", b""), member("big", b"x" * 2000), member("ok")))
    expected = {name: reason for name, (_, reason) in kinds.items()}
    assert reasons(reader(path, 1000)) == {**expected, "?": "unsupported", "e": "empty", "big": "too_large", "ok": None}


HUGE = 999_999_999_999_999


def with_pax(name: str, headers: dict[str, str], data: bytes = b"zz\n") -> tuple[tarfile.TarInfo, bytes]:
    info, data = member(name, data)
    info.pax_headers = headers
    return info, data


@pytest.mark.parametrize("how", ["pax", "base-256"])
def test_a_member_longer_than_any_archive_ends_it_at_once(tmp_path, how):
    if how == "pax":
        data = tar_bytes(member("a"), with_pax("b", {"size": str(HUGE)}), member("c"))
    else:
        info = tarfile.TarInfo("b")
        info.size = HUGE
        data = tar_bytes(member("a"))[:1024] + info.tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "x.tar").write_bytes(data)
    assert reasons(reader(tmp_path / "x.tar")) == {"a": None, "b": "too_large", WHOLE: "damaged_archive"}


SPARSE = ({"GNU.sparse.map": "x", "GNU.sparse.size": "9"}, {"GNU.sparse.map": "0,1"}, {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"})


@pytest.mark.parametrize("headers", SPARSE)
def test_a_sparse_member_is_refused_and_its_map_not_read(tmp_path, headers):
    (tmp_path / "x.tar").write_bytes(tar_bytes(member("a"), with_pax("b", headers), member("c")))
    assert reasons(reader(tmp_path / "x.tar")) == {"a": None, "b": "sparse", "c": None}


def test_headers_that_tarfile_trips_over_end_the_archive(tmp_path):
    (tmp_path / "x.tar").write_bytes(tar_bytes(member("a"), with_pax("b", {"GNU.sparse.size": "abc"})))
    assert reasons(reader(tmp_path / "x.tar")) == {"a": None, WHOLE: "damaged_archive"}
    header = tar_bytes(with_pax("b", {"comment": "x"}))[:1024]
    (tmp_path / "x.tar").write_bytes(tar_bytes(member("a"))[:1024] + header * 2000 + b"\0" * 1024)
    assert reasons(reader(tmp_path / "x.tar")) == {"a": None, WHOLE: "damaged_archive"}


def test_what_is_no_plain_member_of_a_zip(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, mode in (("link", stat.S_IFLNK), ("fifo", stat.S_IFIFO), ("device", stat.S_IFCHR)):
            info = zipfile.ZipInfo(name)
            info.external_attr = (mode | 0o644) << 16
            archive.writestr(info, b"/etc/passwd")
        archive.writestr("empty", b"")
        archive.writestr("large", os.urandom(2000))
        archive.writestr("locked", b"secret text")
        archive.writestr("bomb", b"\0" * 5_000_000)
        archive.writestr("ok", b"text")
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x01\x02", 0, data.rfind(b"locked"))
    data[at + 8] |= 1  # the flag of encryption in the central directory
    path.write_bytes(data)
    found = reasons(reader(path, 1000))
    assert found == {
        **{"link": "symlink", "fifo": "device", "device": "device", "empty": "empty"},
        **{"large": "too_large", "locked": "encrypted", "bomb": "too_large", "ok": None},
    }
    assert reasons(reader(path, 10_000_000))["bomb"] == "bomb"


@pytest.mark.parametrize("kind", ["zip", "tar"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_counts_once(tmp_path, kind):
    path = tmp_path / "x"
    if kind == "zip":
        write_zip(path, ("a", b"first"), ("a", b"second"), ("a", b"third"))
    else:
        path.write_bytes(tar_bytes(member("a", b"first"), member("a", b"second"), member("a", b"third")))
    assert reasons(reader(path)) == {"a": None, "a%again2": "duplicate_name", "a%again3": "duplicate_name"}
    assert contents(reader(path), tmp_path / "spool") == {"a": b"first"}


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_bomb_ends_the_archive_and_keeps_what_came_before(tmp_path, pack):
    path = tmp_path / "x"
    path.write_bytes(pack(tar_bytes(member("a", b"text"), member("bomb", b"\0" * 30_000_000), member("after"))))
    assert reasons(reader(path, 100_000_000, max_ratio=50)) == {"a": None, "bomb": "bomb", WHOLE: "bomb"}
    assert path.stat().st_size < 100_000


def test_caps_on_members_and_on_all_bytes(tmp_path):
    path = tmp_path / "x.tar"
    path.write_bytes(tar_bytes(*(member(str(n), b"x" * 100) for n in range(5))))
    assert reasons(reader(path, max_members=3)) == {"0": None, "1": None, "2": None, WHOLE: "too_many_members"}
    assert reasons(reader(path, max_total_bytes=250)) == {"0": None, "1": None, WHOLE: "archive_too_large"}


def test_zip_members_that_share_their_bytes_are_a_bomb(tmp_path):
    path = write_zip(tmp_path / "x.zip", ("a", os.urandom(3000)), ("b", b"text"))
    data = path.read_bytes()
    at = data.find(b"PK\x01\x02")
    directory = data[at : data.find(b"PK\x01\x02", at + 1)]  # the entry of `a`
    many = b"".join(directory[:-1] + bytes([97 + n]) for n in range(20))
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 20, 20, len(many), at, 0)
    path.write_bytes(data[:at] + many + end)
    assert reasons(reader(path)) == {WHOLE: "bomb"}


def test_a_central_directory_that_is_too_large_is_not_read(tmp_path):
    path = write_zip(tmp_path / "x.zip", *((f"{n}", b"x") for n in range(200)))
    assert reasons(reader(path, max_members=10)) == {WHOLE: "too_many_members"}


def test_a_directory_that_only_its_zip64_record_owns_up_to_is_not_read(tmp_path):
    path = write_zip(tmp_path / "x.zip", *((f"{n}", b"x") for n in range(200)))
    data = path.read_bytes()
    end = struct.unpack("<4s4H2LH", data[-22:])
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 200, 200, end[5], end[6])
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(data) - 22, 1)
    path.write_bytes(data[:-22] + record + locator + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 46, end[6], 0))
    assert len(zipfile.ZipFile(path).infolist()) == 200  # what zipfile reads is what must be judged
    assert reasons(reader(path, max_members=10)) == {WHOLE: "too_many_members"}


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz", "x.tar.bz2", "x.tar.xz", "x.tar.zst"])
def test_a_tar_that_is_cut_short_keeps_what_is_whole(tmp_path, name):
    whole = tar_bytes(member("a", b"first" * 1000), *(member(f"m{n}", os.urandom(40_000)) for n in range(10)))
    packed = {"x.tar": lambda data: data, **PACKED}[name](whole)
    (tmp_path / name).write_bytes(packed[: len(packed) * 2 // 3])
    found = reasons(reader(tmp_path / name))
    whole_ones = [key for key, reason in found.items() if reason is None]
    assert found[WHOLE] == "damaged_archive"
    assert name == "x.tar.bz2" or whole_ones[0] == "a"  # a block of bzip2 holds 900 kB
    assert len(whole_ones) < 11


def test_a_tar_that_ends_between_members_or_holds_garbage_there(tmp_path):
    first, second = tar_bytes(member("a"))[:1024], tar_bytes(member("b"))
    path = tmp_path / "x.tar"
    path.write_bytes(first)
    assert reasons(reader(path)) == {"a": None, WHOLE: "damaged_archive"}
    path.write_bytes(first + b"garbage!" * 128 + second)
    assert reasons(reader(path)) == {"a": None, WHOLE: "damaged_archive"}
    path.write_bytes(first + second)
    assert reasons(reader(path)) == {"a": None, "b": None}


def test_a_huge_header_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(tar_members, "_MAX_HEADER_BYTES", 5000)
    path = tmp_path / "x.tar"
    info, data = member("n" * 9000)
    path.write_bytes(tar_bytes(member("a"), (info, data)))
    assert reasons(reader(path)) == {"a": None, WHOLE: "damaged_archive"}


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 and no more", b"no archive at all" * 100, b"\x1f\x8b not gzip", b"\xfd7zXZ\x00 not xz"]
)
def test_what_is_no_archive_is_recorded(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    assert reasons(reader(tmp_path / "x")) == {WHOLE: "damaged_archive"}


def test_a_zip_cut_short_or_with_a_wrong_checksum(tmp_path):
    path = write_zip(tmp_path / "x.zip", ("a", PROSE), ("b", b"second" * 50), compression=zipfile.ZIP_STORED)
    data = path.read_bytes()
    path.write_bytes(data[:-30])
    assert reasons(reader(path)) == {WHOLE: "damaged_archive"}
    path.write_bytes(data.replace(b"secondsecond", b"secOndsecond"))
    assert contents(reader(path), tmp_path / "spool") == {"a": PROSE, "b": "damaged"}
    assert [file.name for file in (tmp_path / "spool").iterdir()] == ["a.0"]


def test_a_zip_that_lies_about_a_size(tmp_path):
    path = write_zip(tmp_path / "x.zip", ("a", PROSE * 10))
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<L", 50)
    path.write_bytes(data)
    assert contents(reader(path), tmp_path / "spool") == {"a": "damaged"}


def test_what_changed_since_it_was_listed_is_tried_again(tmp_path):
    path = tmp_path / "x.tar"
    path.write_bytes(tar_bytes(member("a", b"one"), member("b", b"two"), member("c", b"three")))
    source = reader(path)
    listed = list(source.entries())
    path.write_bytes(tar_bytes(member("a", b"one"), member("b", b"new")))
    found = [made if isinstance(made, tuple) else Path(made).read_bytes() for _, made in source.materialise(iter(listed), tmp_path / "s")]
    assert found[0] == b"one" and [problem[0] for problem in found[1:]] == ["changed", "changed"]


def test_one_pass_and_one_file_at_a_time(tmp_path):
    path = tmp_path / "x.tar.gz"
    path.write_bytes(gzip.compress(tar_bytes(*(member(f"m{n}", str(n).encode()) for n in range(50)))))
    source, spool = reader(path), tmp_path / "spool"
    passes = 0
    real = source.members

    def counted():
        nonlocal passes
        passes += 1
        return real()

    listed = list(source.entries())
    source.members = counted
    for number, (_, made) in enumerate(source.materialise(iter(listed), spool)):
        assert Path(made).read_bytes() == str(number).encode()
        assert len(list(spool.iterdir())) == 1
        Path(made).unlink()
    assert passes == 1


def test_no_such_archive(tmp_path):
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(UsageError, match="expected a zip or tar archive"):
            reader(path).check()


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_through_the_ingest(tmp_path, kind):
    """Kept, unchanged, changed, and refused by a parser: an archive inside is told to be a source of its own."""
    path = tmp_path / f"docs.{kind}"

    def write(second: bytes) -> None:
        inner = gzip.compress(PROSE * 90, mtime=0)
        texts = {"a.txt": PROSE * 8, "sub/b.txt": second * 8, "c.txt": b"short", "inner.gz": inner, "d.txt": PROSE * 8}
        if kind == "zip":
            write_zip(path, *texts.items())
        else:
            path.write_bytes(tar_bytes(*(member(name, data) for name, data in texts.items())))

    write(b"The pump starts when the level in the basin falls below the mark that the keeper has set. ")
    settings = Settings(
        name="t",
        seed=1,
        author={"type": "extractive"},
        sources=[{"type": "archive", "name": "z", "path": path}],
        extract={"workers": 1, "shard_documents": 2},
    )
    context = Context(settings, Workspace(tmp_path / "w"), Progress(quiet=True))
    first = ingest(context)
    assert first.rejections == {"too_short": 1, "archive": 1, "exact_duplicate": 1} and first.kept == 2
    assert not context.workspace.spool.exists()
    second = ingest(context)
    assert (second.unchanged, second.counts["opened"]) == (5, 0)
    write(b"The pump stops when the level in the basin rises above the mark that the keeper has set. ")
    third = ingest(context)
    assert (third.unchanged, third.kept, third.counts["opened"]) == (4, 1, 1)
