"""Files that are not what they seem, and entries of a folder that are no files: `fill(folder)` makes them; `EXPECTED` of some."""

import gzip
import io
import os
import socket
import zipfile
from pathlib import Path

from hostile_pdf import assemble, one_page

PROSE = "The pump is stopped before the valve of the tank is closed, and it is started again when the valve has been opened. "
TEXT = (PROSE * 8).encode()
PAGE = f"<!DOCTYPE html><html><head><title>Pumps</title></head><body><h1>Pumps</h1>{f'<p>{PROSE}</p>' * 8}</body></html>"


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../etc/passwd", "x" * 5_000)
    return out.getvalue()


def contents() -> dict[str, bytes]:
    """Bytes of regular files by name; the names lie."""
    pdf = assemble(one_page())
    return {
        "empty.txt": b"",
        "blank.txt": b" \n" * 9_000,
        "nul.txt": b"\0" * 9_000,
        "nul_inside.txt": TEXT + b"\0" + TEXT,
        "half_nul.txt": b"\0".join(TEXT[n : n + 1] for n in range(len(TEXT))),
        "random.pdf": bytes((n * 7919 + n // 251) % 256 for n in range(50_000)),
        "utf16.txt": TEXT.decode().encode("utf-16"),
        "utf16_without_mark.txt": TEXT.decode().encode("utf-16-le"),
        "utf32.html": PAGE.encode("utf-32"),
        "latin1_said_to_be_utf8.html": PAGE.replace("<head>", "<head><meta charset=utf-8>")
        .replace("Pumps", "P\u00fcmps")
        .encode("latin-1"),
        "no_such_encoding.html": PAGE.replace("<head>", "<head><meta charset=klingon>").encode(),
        "a_page.pdf": PAGE.encode(),
        "a_pdf.html": pdf,
        "a_text.docx": TEXT,
        "gzipped.pdf": gzip.compress(pdf),
        "gzip_bomb.txt": gzip.compress(bytes(20_000_000)),
        "zip.html": _zip(),
        "gif_and_html.html": b"GIF89a/*" + PAGE.encode(),
        "html_and_pdf.pdf": b"<html><!-- " + pdf + b" -->" + PAGE.encode(),
        "pdf_and_zip.pdf": pdf + _zip(),
        "script.txt": b"#!/bin/sh\nrm -rf /\n" + TEXT,
        "escapes.txt": TEXT.replace(b"pump", b"\x1b[31mpump\x1b]0;owned\x07"),
        "bidi.txt": PROSE.replace("pump", "\u202epmup\u202c\U000e0041").encode() * 8,
        "broken_utf8.txt": TEXT.replace(b"pump", b"pump \xff\xfe\xc3\x28\xed\xa0\x80"),
        "one_line.txt": TEXT * 2_000,
        "no_blanks.txt": b"x" * 3_000_000,
        "many_lines.txt": b"a\n" * 500_000,
        "xml_entities.html": b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "'
        + b"&a;" * 99
        + b'"><!ENTITY c SYSTEM "file:///etc/passwd">]><html>&c;&b;</html>',
        "deep.html": b"<!DOCTYPE html><body>" + b"<div>" * 50_000 + TEXT + b"</div>" * 50_000,
        "deep_fences.md": (TEXT + b"\n\n```\n") * 300 + b"> " * 9_000 + b"- " * 9_000,
    }


def fill(folder: Path) -> set[str]:
    """Everything into the folder; the names, relative, of what must be accounted for."""
    for name, data in contents().items():
        (folder / name).write_bytes(data)
    names = [
        b"new\nline.txt",
        b"\x1b[31mred\x07.txt",
        b"not\xffutf8.txt",
        b"a#b%41?.txt",
        b"x" * 251 + b".txt",
        b" .txt",
        "\u202etxt.exe".encode(),
    ]
    for number, name in enumerate(names):
        Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_bytes(TEXT + str(number).encode())  # noqa: PTH118 - bytes
    os.mkfifo(folder / "fifo.pdf")
    with (folder / "sparse.pdf").open("wb") as handle:
        handle.truncate(20_000_000_000)
    with (folder / "half_sparse.txt").open("wb") as handle:
        handle.truncate(30_000_000)
    here = Path.cwd()
    os.chdir(folder)  # the path of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("sock.pdf")
    finally:
        os.chdir(here)
    links = {
        "device.txt": "/dev/zero",
        "passwd.txt": "/etc/passwd",
        "loop": ".",
        "self.txt": "self.txt",
        "nowhere.txt": "no/where",
        "long": "l/" * 999,
    }
    for name, target in links.items():
        (folder / name).symlink_to(target)
    (folder / "folder.pdf").mkdir()
    (folder / "folder.pdf" / "inside.txt").write_bytes(TEXT + b"inside")
    deep = folder
    for _ in range(200):
        deep = deep / "d"
    deep.mkdir(parents=True)
    (deep / "deep.txt").write_bytes(TEXT + b"deep")
    return {os.fsdecode(path) for path in _entries(folder)}


def _entries(folder: Path) -> list[bytes]:
    found = []
    for root, folders, files in os.walk(os.fsencode(folder)):
        links = [name for name in folders if os.path.islink(os.path.join(root, name))]  # noqa: PTH114, PTH118 - bytes
        found += [os.path.relpath(os.path.join(root, name), os.fsencode(folder)) for name in (*files, *links)]  # noqa: PTH118
    return found


EXPECTED = {
    "empty.txt": "empty",
    "blank.txt": "empty",
    "nul.txt": "empty",
    "half_sparse.txt": "empty",
    "nul_inside.txt": "unsupported",
    "utf16_without_mark.txt": "kept",
    "random.pdf": "unsupported",
    "gzipped.pdf": "archive",
    "gzip_bomb.txt": "archive",
    "zip.html": "archive",
    "utf16.txt": "kept",
    "utf32.html": "kept",
    "a_page.pdf": "kept",
    "a_pdf.html": "kept",
    "a_text.docx": "kept",
    "one_line.txt": "kept",
    "fifo.pdf": "fifo",
    "sock.pdf": "socket",
    "sparse.pdf": "too_large",
    "device.txt": "symlink",
    "passwd.txt": "symlink",
    "loop": "symlink",
    "self.txt": "symlink",
    "nowhere.txt": "symlink",
    "folder.pdf/inside.txt": "kept",
    "d/" * 200 + "deep.txt": "kept",
}
