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


def _files(folder: Path | None) -> list[Path]:
    return [] if folder is None else sorted(path for path in folder.glob("*.jsonl") if path.is_file())


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
    """See the module. counts: what the response files held at the last call; errors: key -> what the batch reported for it.

    written: requests written to shards; taken: answers handed over; unanswered: requests without one. All since it was made.
    """

    def __init__(self, section: llm.BatchFiles) -> None:
        super().__init__(section.model, section.revision, "batch_files")
        self._requests: Path | None = section.requests_dir
        self._responses: Path | None = section.responses_dir
        self._shard_requests = section.shard_requests
        self.counts = Counts()
        self.errors: dict[str, str] = {}
        self.written = self.taken = 0
        self.unanswered: list[Request] = []
        # What the folders held, read once: a judge asks batch by batch. Answers anew where a file came, went or grew.
        self._seen: tuple[tuple[str, int, int], ...] | None = None
        self._found: dict[str, Place] = {}
        self._exported: set[str] | None = None

    @classmethod
    def between(cls, section: llm.LanguageModelSection, requests: Path | None, responses: Path | None) -> "BatchFilesModel":
        """Files in the place of any other backend: its model and revision, so that keys are those of its calls.

        requests: where unanswered requests are written, None: nowhere; responses: where answers are read, None: nowhere.
        """
        here = Path()
        model = cls(llm.BatchFiles(model=section.model, revision=section.revision, requests_dir=here, responses_dir=here))
        model._requests, model._responses = requests, responses
        return model

    def batches(self, requests: Iterable[Request | None]) -> Iterator[Ready]:
        """As Backend.batches: answers where there are any, else UNANSWERED once the request lies in a shard.

        Errors: LanguageModelError for a folder that cannot be read, WorkspaceError for one that cannot be written.
        """
        try:
            answers, exported = self._answers(), self._shards()
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
                self.taken += 1
                continue
            unanswered.append(request.request_id)
            self.unanswered.append(request)
            if self._requests is not None and key not in exported:
                exported.add(key)
                shard[key] = self._line(request, key)
            if len(shard) >= self._shard_requests:
                yield self._written(shard, unanswered)
                shard, unanswered = {}, []
        yield [*ready, *self._written(shard, unanswered)]

    def _written(self, shard: dict[str, str], unanswered: list[str]) -> Ready:
        """Write the shard; then its requests, and those that lay in an earlier one, are unanswered."""
        if shard and self._requests is not None:
            name = f"requests-{content_id(list(shard))[:16]}.jsonl"
            write_text(self._requests / name, "".join(f"{line}\n" for line in shard.values()))
            self.written += len(shard)
        exported = "" if self._requests is None else f"exported to {self._requests}; "
        detail = exported if self._responses is None else f"{exported}read from {self._responses}: {self.counts}"
        return [(request_id, Completion(failure=CompletionFailure.UNANSWERED, detail=detail)) for request_id in unanswered]

    def _answers(self) -> dict[str, Place]:
        """Where each answered key's answer lies: the first usable line, by file name and place."""
        files = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in _files(self._responses)]
        if self._seen == tuple(files):
            return self._found
        self._seen, self._found = tuple(files), {}
        found = self._found
        self.counts, self.errors = Counts(), {}
        for path in _files(self._responses):
            for offset, line in _lines(path):
                read = _read(line)
                if read is None:
                    self.counts.garbage += bool(line.strip())
                elif read[1].failure is CompletionFailure.TRANSPORT:
                    self.counts.errors += 1
                    self.errors[read[0]] = read[1].detail
                elif read[0] in found:
                    self.counts.duplicates += 1
                else:
                    found[read[0]] = Place(path, offset)
                    self.counts.answers += 1
        return found

    def _shards(self) -> set[str]:
        """Keys that lie in a shard already."""
        if self._exported is not None:
            return self._exported
        keys = self._exported = set()
        for path in _files(self._requests):
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
