"""Requests out as OpenAI-batch JSONL, answers in: for air-gapped clusters (`vllm run-batch`) and hosted batch services.

A request that no response answers yet is written to a shard, once: shards are named by their content, and what an existing shard holds
is not written again. To have lost requests written anew, delete their shard. custom_id is the request's key (model, revision, messages,
sampling, schema, seed), so that files may be shuffled, merged, cut and delivered twice.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rubric_factory.errors import LanguageModelError
from rubric_factory.llm import chat_api
from rubric_factory.llm.protocol import Backend, Completion, CompletionFailure, Ready, Request
from rubric_factory.records import content_id
from rubric_factory.settings import llm
from rubric_factory.workspace import write_text

# Answers handed over at once.
_READY = 256


@dataclass(slots=True)
class Counts:
    """What the response files held, in lines."""

    answers: int = 0
    duplicates: int = 0
    errors: int = 0
    garbage: int = 0

    def __str__(self) -> str:
        return ", ".join(f"{count} {name}" for name, count in asdict(self).items() if count) or "no lines"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line lies: byte offset in a file."""

    path: Path
    offset: int


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(offset, line) of a file; a line over the cap is cut to one byte more than the cap, so that it cannot be taken for a whole one."""
    cap = chat_api.MAX_REPLY_BYTES
    with path.open("rb") as handle:
        while True:
            offset = handle.tell()
            line = handle.readline(cap + 1)
            if not line:
                return
            rest = line
            while not rest.endswith(b"\n") and (rest := handle.readline(cap)):
                pass
            yield offset, line


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.jsonl") if path.is_file())


def _read(line: bytes) -> tuple[str, Completion] | None:
    """(custom_id, completion) of a response line; None for anything else. A line that reports an error is a completion with a failure."""
    if len(line) > chat_api.MAX_REPLY_BYTES:
        return None
    try:
        row = chat_api.parsed(line)
    except ValueError:
        return None
    if not isinstance(row, dict) or not isinstance(row.get("custom_id"), str):
        return None
    response, error = row.get("response"), row.get("error")
    if error is not None or not isinstance(response, dict) or response.get("status_code", 200) != 200:
        return row["custom_id"], chat_api.failed(CompletionFailure.TRANSPORT, f"the batch reports {str(error or response)[:200]}")
    return row["custom_id"], chat_api.completion(response.get("body"), 0.0)


class BatchFilesModel(Backend):
    """See the module. counts: what the response files held at the last call."""

    def __init__(self, section: llm.BatchFiles) -> None:
        super().__init__(section.model, section.revision, "batch_files")
        self._section = section
        self.counts = Counts()

    def batches(self, requests: Iterable[Request | None]) -> Iterator[Ready]:
        """As Backend.batches: answers where there are any, else UNANSWERED once the request lies in a shard.

        Errors: LanguageModelError for a folder that cannot be read, WorkspaceError for one that cannot be written.
        """
        try:
            answers, exported = self._answers(), self._exported()
        except OSError as error:
            raise LanguageModelError(
                f"cannot read {error.filename}: {error.strerror}", expected="folders of *.jsonl files", fix="check path and permissions"
            ) from None
        shard: dict[str, str] = {}
        ready: Ready = []
        # A request is unanswered only once its shard is on disk.
        unanswered: list[str] = []
        for request in requests:
            if request is None or len(ready) >= _READY:
                yield ready
                ready = []
            if request is None:
                continue
            key = request.key(self.model, self.revision)
            if key in answers:
                ready.append((request.request_id, self._answer(answers[key])))
                continue
            unanswered.append(request.request_id)
            if key not in exported:
                exported.add(key)
                shard[key] = self._line(request, key)
            if len(shard) >= self._section.shard_requests:
                yield self._written(shard, unanswered)
                shard, unanswered = {}, []
        yield [*ready, *self._written(shard, unanswered)]

    def _written(self, shard: dict[str, str], unanswered: list[str]) -> Ready:
        """Write the shard; then its requests, and those that lay in an earlier one, are unanswered."""
        if shard:
            name = f"requests-{content_id(list(shard))[:16]}.jsonl"
            write_text(self._section.requests_dir / name, "".join(f"{line}\n" for line in shard.values()))
        detail = f"exported to {self._section.requests_dir}; read from {self._section.responses_dir}: {self.counts}"
        return [(request_id, Completion(failure=CompletionFailure.UNANSWERED, detail=detail)) for request_id in unanswered]

    def _answers(self) -> dict[str, Place]:
        """Where each answered key's answer lies: the first usable line, by file name and place."""
        found: dict[str, Place] = {}
        self.counts = Counts()
        for path in _files(self._section.responses_dir):
            for offset, line in _lines(path):
                read = _read(line)
                if read is None:
                    self.counts.garbage += bool(line.strip())
                elif read[1].failure is CompletionFailure.TRANSPORT:
                    self.counts.errors += 1
                elif read[0] in found:
                    self.counts.duplicates += 1
                else:
                    found[read[0]] = Place(path, offset)
                    self.counts.answers += 1
        return found

    def _exported(self) -> set[str]:
        """Keys that lie in a shard already."""
        keys = set()
        for path in _files(self._section.requests_dir):
            for _, line in _lines(path):
                try:
                    row = chat_api.parsed(line)
                except ValueError:
                    continue
                if isinstance(row, dict) and isinstance(row.get("custom_id"), str):
                    keys.add(row["custom_id"])
        return keys

    def _answer(self, place: Place) -> Completion:
        with place.path.open("rb") as handle:
            handle.seek(place.offset)
            read = _read(handle.readline(chat_api.MAX_REPLY_BYTES))
        return read[1] if read else chat_api.failed(CompletionFailure.TRANSPORT, f"{place.path.name} changed while it was read")

    def _line(self, request: Request, key: str) -> str:
        row = {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": chat_api.body(request, self.model)}
        return json.dumps(row, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
