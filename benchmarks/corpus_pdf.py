"""CPU of PDF ingest over that of bare pdfium text of the same pages, in one run: `python -m benchmarks.corpus_pdf FOLDER [COUNT]`.

Bare: open, and the text of each page, in this process. Parse: what a parser process does with the same file, in this process, file by
file in turn with bare, so that both see the same machine; split by genre. Pool: the whole of it, processes started and replies sent,
over the mean of bare before and after.
"""

import json
import random
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pypdfium2

from rubric_factory.extract import document
from rubric_factory.extract.isolation import Job, Pool
from rubric_factory.extract.result import Refused
from rubric_factory.settings.extract import ExtractSettings

SETTINGS = ExtractSettings()
REQUEST = {
    "max_bytes": SETTINGS.max_bytes,
    "min_characters": SETTINGS.min_characters,
    "max_characters": SETTINGS.max_characters,
}


def bare(data: bytes) -> int:
    """Text of every page by pdfium alone; the number of pages, 0 where pdfium gives up."""
    try:
        with pypdfium2.PdfDocument(data) as opened:
            for index in range(len(opened)):
                page = opened[index]
                textpage = page.get_textpage()
                textpage.get_text_range()
                textpage.close()
                page.close()
            return len(opened)
    except pypdfium2.PdfiumError:
        return 0


def parse(data: bytes) -> str:
    """Genre of the document, or why it is refused."""
    try:
        return str(document.parse(data, REQUEST)["genre"])
    except Refused as refusal:
        return f"refused: {refusal.reason}"


def pool_cpu(files: Sequence[Path], workers: int) -> tuple[float, float]:
    """CPU and wall seconds of parsing the files in the pool, parent and workers together."""
    began, spent = time.monotonic(), _cpu()
    with Pool(SETTINGS.model_copy(update={"workers": workers})) as pool:
        for _ in pool.run(Job(index, {**REQUEST, "path": str(path)}) for index, path in enumerate(files)):
            pass
    return _cpu() - spent, time.monotonic() - began


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def measure(files: Sequence[Path]) -> dict[str, object]:
    """Documents, pages, CPU seconds of bare, parse and pool, their ratios to bare, and the ratio of parse by genre."""
    genres: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0.0, 0.0])
    for path in files:
        data = path.read_bytes()
        start = time.process_time()
        pages = bare(data)
        middle = time.process_time()
        row = genres[parse(data)]
        end = time.process_time()
        for place, value in enumerate((1, pages, middle - start, end - middle)):
            row[place] += value
    documents, pages_read, alone, parsed = (sum(column) for column in zip(*genres.values(), strict=True))
    pooled, _ = pool_cpu(files, 1)
    again = time.process_time()  # bare once more: a machine that others use is not the same all the time
    for path in files:
        bare(path.read_bytes())
    around = (alone + time.process_time() - again) / 2
    return {
        "documents": documents,
        "pages": pages_read,
        "bare_cpu_seconds": round(alone, 2),
        "parse_cpu_seconds": round(parsed, 2),
        "pool_cpu_seconds": round(pooled, 2),
        "parse_over_bare": round(parsed / alone, 2),
        "pool_over_bare": round(pooled / around, 2),
        "by_genre": {
            genre: {"documents": row[0], "pages": row[1], "parse_over_bare": round(row[3] / row[2], 2)}
            for genre, row in sorted(genres.items())
        },
    }


def main() -> None:
    """Measure COUNT (default 200) PDFs of FOLDER, drawn with a fixed seed, and print JSON."""
    found = sorted(path for path in Path(sys.argv[1]).rglob("*.pdf") if path.is_file())
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    files = random.Random(1).sample(found, min(count, len(found)))
    print(json.dumps(measure(files), indent=2))


if __name__ == "__main__":
    main()
