"""HTML ingest held against the bare library: CPU on the same pages in one run, and what each keeps and leaks, by package and genre.

    python -m benchmarks.corpus_html DIR [--pages 200] [--json FILE]

CPU: our side is everything that a parser process does for a page (decode, parse, render, title, date, licence, language, genre, hash);
the other side is trafilatura.extract with fast=True, Markdown, tables, no comments. Pages are read beforehand, the order of the two
sides alternates, both have seen one page before.

Quality: pages are read again with html.parser of the standard library. Text that a quarter of a package's pages share is its frame,
as is what stands in nav, footer and aside; the rest is content. kept: share of the content's words that came out; leaked: share of the
words that came out which are frame and nothing else; tables, code, formulas: share that came out as such, with their words in order.
"""

import argparse
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

_WORD = re.compile(r"\w+")
_SKIPPED = frozenset(("script", "style", "noscript", "template", "svg", "button", "select", "textarea", "title"))
_FRAME = frozenset(("nav", "footer", "aside"))
_VOID = frozenset(("br", "img", "hr", "input", "meta", "link", "area", "base", "col", "embed", "source", "wbr", "param", "track"))
_INLINE = frozenset(
    ("a", "b", "i", "em", "strong", "span", "code", "tt", "sub", "sup", "samp", "kbd", "var", "small", "font", "abbr", "cite")
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0", re.IGNORECASE)
REQUEST = {"min_characters": 0, "max_characters": 100_000_000}
SHARED = 0.25


class Reader(HTMLParser):
    """Text pieces of a page, each with whether it stands in a frame; code, tables and formulas on their own."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[tuple[str, bool]] = []
        self.code: list[str] = []
        self.tables: list[list[str]] = []  # cells; a table of links, as at the head of a manual's page, is left empty
        self.formulas: list[str] = []
        self._grids: list[list[str]] = []  # open tables, the innermost last
        self._open: list[tuple[str, str]] = []  # tag and what it does: skip, frame, code, math, ''
        self._text: list[str] = []
        self._kept: dict[str, list[str]] = {"code": [], "math": [], "cell": []}
        self.feed(source)
        self.close()
        self._flush()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        found = {name: value or "" for name, value in attrs}
        if tag == "img" and re.search(r"math|formula", found.get("class", "")) and not self._is("skip"):
            self.formulas.append(found.get("alt", ""))
        if tag == "br" and self._is("code"):
            self._kept["code"].append("\n")
        if tag in _VOID:
            return
        if tag not in _INLINE:
            self._flush()
        role = ""
        if tag in _SKIPPED or _HIDDEN.search(found.get("style", "")) or "hidden" in found or found.get("aria-hidden") == "true":
            role = "skip"
        elif tag in _FRAME or found.get("role") in ("navigation", "contentinfo", "search", "banner"):
            role = "frame"
        elif tag == "pre":
            role = "code"
            self._kept["code"].clear()
        elif "math" in found.get("class", "").split() and tag in ("span", "div"):
            role = "math"
            self._kept["math"].clear()
        elif tag == "table":
            self._grids.append([])
            if found.get("class") not in ("memname", "mlabels"):  # Doxygen's frames around a signature
                self.tables.append(self._grids[-1])
        elif tag in ("td", "th"):
            self._kept["cell"].clear()
        self._open.append((tag, role))

    def handle_endtag(self, tag: str) -> None:
        """Close an element and whatever was left open in it."""
        if tag in _VOID or tag not in (name for name, _ in self._open):
            return
        if tag not in _INLINE:
            self._flush()
        if tag == "table" and self._grids:
            self._grids.pop()
        if tag in ("td", "th") and self._grids and not self._is("skip"):
            cell = " ".join("".join(self._kept["cell"]).split())
            self._grids[-1].append("" if self._is("frame") or re.fullmatch(r"prev(?:ious)?|next|up|home", cell, re.IGNORECASE) else cell)
            self._kept["cell"].clear()
        while self._open:
            name, role = self._open.pop()
            if role == "code" and not self._is("skip") and not self._is("frame"):
                self.code.append("".join(self._kept["code"]))
            if role == "math" and not self._is("skip"):
                self.formulas.append("".join(self._kept["math"]))
            if name == tag:
                break

    def handle_data(self, data: str) -> None:
        """Text."""
        if self._is("skip"):
            return
        self._text.append(data)
        for role in ("code", "math"):
            if self._is(role):
                self._kept[role].append(data)
        self._kept["cell"].append(data)

    def _is(self, role: str) -> bool:
        return any(found == role for _, found in self._open)

    def _flush(self) -> None:
        text = " ".join("".join(self._text).split())
        self._text.clear()
        if text:
            self.pieces.append((text, self._is("frame")))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _holds(output: str, part: str) -> bool:
    """Whether the words of a part stand in the output, in order and together."""
    wanted = " ".join(_words(part))
    return bool(wanted) and wanted in output


def _page_quality(reader: Reader, frames: set[str], output: str) -> Counter[str]:
    out_words = Counter(_words(output))
    content: Counter[str] = Counter()
    frame: Counter[str] = Counter()
    for text, framed in reader.pieces:
        (frame if framed or text in frames else content).update(_words(text))
    joined = " ".join(_words(output))
    tables = [cells for cells in reader.tables if sum(map(bool, cells)) >= 4 and all(len(cell) < 200 for cell in cells)]
    code = [text for text in reader.code if len(_words(text)) >= 3]
    formulas = [text for text in reader.formulas if _words(text)]
    return Counter(
        {
            "content": content.total(),
            "kept": (content & out_words).total(),
            "out": out_words.total(),
            "leaked": ((out_words - content) & frame).total(),
            "tables": len(tables),
            "tables_kept": sum(_table_kept(cells, joined, output) for cells in tables),
            "code": len(code),
            "code_kept": sum(_holds(joined, text) and _lines_kept(text, output) for text in code),
            "formulas": len(formulas),
            "formulas_kept": sum(_holds(joined, text) for text in formulas),
        }
    )


def _lines_kept(code: str, output: str) -> bool:
    """Whether the longest line of code stands in the output with its blanks."""
    return max((line.rstrip() for line in code.replace("\xa0", " ").split("\n")), key=len) in output.replace("\xa0", " ")


def _table_kept(cells: Sequence[str], joined: str, output: str) -> bool:
    """Whether 19 of 20 cells came out, and two of one row stand on one line between bars."""
    wanted = [" ".join(_words(cell.replace("More...", ""))) for cell in cells]
    wanted = [cell for cell in wanted if cell]
    bars = [" ".join(_words(line)) for line in output.split("\n") if line.startswith("|")]
    pairs = any(a in bar and b in bar for a, b in pairwise(wanted[:40]) for bar in bars)
    return pairs and 20 * sum(cell in joined for cell in wanted) >= 19 * len(wanted)


def _frames(readers: Sequence[Reader]) -> set[str]:
    seen = Counter(text for reader in readers for text in {text for text, _ in reader.pieces})
    return {text for text, pages in seen.items() if len(readers) >= 8 and pages >= SHARED * len(readers)}


def measure(files: Iterable[tuple[str, Path]]) -> dict[str, Any]:
    """CPU seconds, ratio and quality over (package, path) pairs: {'cpu': …, 'ratio': …, 'by_package': {…}, 'by_genre': {…}}."""
    import trafilatura

    from rubric_factory.extract import document
    from rubric_factory.extract.result import Refused

    def ours(data: bytes) -> tuple[str, str]:
        try:
            reply = document.parse(data, REQUEST)
        except Refused as refusal:
            return "", f"refused:{refusal.reason}"
        return reply["text"], reply["genre"]

    def theirs(data: bytes) -> str:
        return trafilatura.extract(data, fast=True, output_format="markdown", include_tables=True, include_comments=False) or ""

    pages = [(package, path, path.read_bytes()) for package, path in files]
    ours(pages[0][2]), theirs(pages[0][2])
    rows = []
    for number, (package, path, data) in enumerate(pages):
        sides: list[Callable[[bytes], Any]] = [ours, theirs]
        found: dict[Callable[[bytes], Any], Any] = {}
        spent = {}
        for side in sides if number % 2 else reversed(sides):
            start = time.process_time()
            found[side] = side(data)
            spent[side] = time.process_time() - start
        rows.append((package, path, data, *found[ours], found[theirs], spent[ours], spent[theirs]))
    return _summary(rows)


def _summary(rows: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    readers = [Reader(data.decode("utf-8", "replace")) for _, _, data, *_ in rows]
    packages = defaultdict(list)
    for row, reader in zip(rows, readers, strict=True):
        packages[row[0]].append(reader)
    frames = {package: _frames(found) for package, found in packages.items()}
    groups: dict[str, dict[str, dict[str, Any]]] = {"by_package": {}, "by_genre": {}, "all": {}}
    for row, reader in zip(rows, readers, strict=True):
        package, _, _, text, genre, other, mine, bare = row
        for kind, name in (("by_package", package), ("by_genre", genre), ("all", "all")):
            group = groups[kind].setdefault(name, {"pages": 0, "cpu": 0.0, "bare_cpu": 0.0, "ours": Counter(), "bare": Counter()})
            group["pages"] += 1
            group["cpu"] += mine
            group["bare_cpu"] += bare
            if text:
                group["ours"] += _page_quality(reader, frames[package], text)
                group["bare"] += _page_quality(reader, frames[package], other)
    shown = {kind: {name: _figures(group) for name, group in sorted(found.items())} for kind, found in groups.items()}
    return {**shown["all"]["all"], "by_package": shown["by_package"], "by_genre": shown["by_genre"]}


def _figures(group: dict[str, Any]) -> dict[str, Any]:
    def shares(counts: Counter[str]) -> dict[str, Any]:
        pairs = {"kept": ("kept", "content"), "leaked": ("leaked", "out")}
        pairs |= {name: (f"{name}_kept", name) for name in ("tables", "code", "formulas")}
        found = {name: round(counts[a] / counts[b], 4) if counts[b] else None for name, (a, b) in pairs.items()}
        return found | {f"{name}_seen": counts[name] for name in ("tables", "code", "formulas")}

    pages = group["pages"]
    return {
        "pages": pages,
        "ms_a_page": round(1000 * group["cpu"] / pages, 2),
        "bare_ms_a_page": round(1000 * group["bare_cpu"] / pages, 2),
        "ratio": round(group["cpu"] / max(group["bare_cpu"], 1e-9), 3),
        "ours": shares(group["ours"]),
        "bare": shares(group["bare"]),
    }


def sample(folder: Path, pages: int, seed: int = 0) -> list[tuple[str, Path]]:
    """Up to `pages` HTML files of a folder, spread over its subfolders (its packages), the same ones for the same seed."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.rglob("*.html")):
        if path.is_file() and not path.is_symlink():
            parts = path.relative_to(folder).parts
            found[parts[0] if len(parts) > 1 else folder.name].append(path)
    for paths in found.values():
        Random(seed).shuffle(paths)
    chosen: list[tuple[str, Path]] = []
    while len(chosen) < pages and any(found.values()):
        chosen += [(package, paths.pop()) for package, paths in found.items() if paths]
    return chosen[:pages]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="HTML ingest against bare trafilatura: CPU ratio and quality.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--json", type=Path, help="write all figures here")
    arguments = parser.parse_args()
    figures = measure(sample(arguments.folder, arguments.pages))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"{figures['pages']} pages: {figures['ms_a_page']} ms a page, bare {figures['bare_ms_a_page']} ms, ratio {figures['ratio']}")
    for kind in ("by_package", "by_genre"):
        for name, group in figures[kind].items():
            print(f"{name:24} {group['pages']:5} pages  ratio {group['ratio']:6}  {group['ms_a_page']:7} ms")
            for side in ("ours", "bare"):
                print("    ", side, "  ".join(f"{key} {value}" for key, value in group[side].items()))


if __name__ == "__main__":
    main()
