"""What a rebuild would cost, before it costs anything: documents, calls, tokens, time, money; each figure measured or estimated.

Measured: read from the sources, the workspace and the ledger. Estimated: scaled from them, or from the assumptions below, and said so.
"""

from dataclasses import dataclass
from math import ceil
from statistics import fmean
from typing import TYPE_CHECKING, Any

from flows.summary import documents_kept, read_rows
from rubric_factory.gates.model.protocol import kinds
from rubric_factory.records import Passage
from rubric_factory.settings import Settings
from rubric_factory.settings.author import LanguageModelAuthor, writers_of
from rubric_factory.settings.judge import calls_a_grading, single_judges
from rubric_factory.settings.llm import LanguageModelSection
from rubric_factory.sources.remote_entry import NOT_FETCHED
from rubric_factory.stages import STAGES, Context
from rubric_factory.stages.ingest import plan

if TYPE_CHECKING:
    from rubric_factory.llm.protocol import Request

# Assumptions where this workspace has nothing to measure yet; figures of the 52 sample documents.
PASSAGES_PER_DOCUMENT = 8.0
SECONDS_PER_DOCUMENT = 0.1
CHARACTERS_PER_TOKEN = 4.0
ENOUGH_DOCUMENTS = 10
STAND_IN_WORDS = 220
# Judge calls of a probed task: two runs over about the same tasks, the second mostly from the ledger.
PROBE_CALLS = 85
# Of a task in the audit sample: three answers graded four times more, and about five corrupted ones.
AUDIT_CALLS = 17
JUDGE_OVERHEAD_CHARACTERS, JUDGE_REPLY_TOKENS = 6000, 250


@dataclass
class Estimate:
    """Figures by name, in the order they are shown; basis says of each whether it was measured or how it was estimated."""

    figures: dict[str, Any]
    basis: dict[str, str]

    def add(self, name: str, value: Any, basis: str) -> None:
        """One figure."""
        self.figures[name], self.basis[name] = value, basis


def _documents(estimate: Estimate, context: Context, limit: int | None) -> int:
    """Documents to read: compared with the last ingest, nothing opened."""
    todo = plan(context, limit=limit)
    to_fetch = sum(entry.problem == NOT_FETCHED for entry in todo.refused)
    to_read = todo.to_read + to_fetch
    estimate.add("documents_seen", todo.seen, "measured")
    estimate.add("documents_unchanged", todo.unchanged, "measured")
    estimate.add("documents_to_read", to_read, "measured")
    if to_fetch:
        estimate.add("documents_to_fetch", to_fetch, "measured; nobody was asked")
    return to_read


def open_passages(context: Context) -> list[dict[str, Any]]:
    """Selected passages of the workspace that the configured author was not asked about."""
    from rubric_factory.authoring.authors import asked_as

    identity = asked_as(context.settings)
    asked = {row["passage_id"] for row in read_rows(context.workspace, "authored") if row["author"].startswith(identity)}
    chosen = {row["passage_id"] for row in read_rows(context.workspace, "selection", "passage_id", "selected") if row["selected"]}
    return [row for row in read_rows(context.workspace, "passages") if row["passage_id"] in chosen - asked]


def _passages_per_document(context: Context) -> tuple[float, str]:
    kept = documents_kept(context.workspace)
    chosen = sum(1 for row in read_rows(context.workspace, "selection", "passage_id", "selected") if row["selected"])
    if kept >= ENOUGH_DOCUMENTS and chosen:
        return chosen / kept, f"from {kept} documents of this workspace"
    return min(PASSAGES_PER_DOCUMENT, context.settings.passages.per_document), "from the sample documents"


def _requests(author: LanguageModelAuthor, settings: Settings, characters: int) -> "list[Request]":
    """What a passage of so many characters takes."""
    from rubric_factory.authoring.cost import passage_requests

    text = "x" * characters
    passage = Passage("0" * 64, "0" * 64, "s/d", "0", "", 0, 0, len(text), 0, 0, text)
    return passage_requests(passage, author, settings.seed, visible_words=settings.passages.visible_words)


def _characters(requests: "list[Request]") -> int:
    return sum(len(message.content) for request in requests for message in request.messages)


def _by_all(writers: int) -> str:
    return f" by {writers} authors" if writers > 1 else ""


def _calls(estimate: Estimate, context: Context, author: LanguageModelAuthor, texts: list[str], unread: int) -> None:
    """Calls, tokens, time and money of a language-model author: texts in the workspace, and as many stand-ins as are not read yet."""
    from rubric_factory.ledger import Ledger

    stand_in = fmean(map(len, texts)) if texts else STAND_IN_WORDS * 6
    passages, settings = len(texts) + unread, context.settings
    each = _requests(author, settings, 1)
    overhead, shown = _characters(each), (_characters(_requests(author, settings, 1001)) - _characters(each)) / 1000
    prompt = (shown * (sum(map(len, texts)) + unread * stand_in) + overhead * passages) / CHARACTERS_PER_TOKEN
    answered: list[dict[str, Any]] = []
    writers = {(one.model, one.revision) for one in writers_of(author)}
    if context.workspace.ledger.exists():
        with Ledger(context.workspace.ledger) as ledger:
            answered = [r for r in ledger.summary() if (r["model"], r["revision"]) in writers and r["state"] == "answered"]
    done = sum(row["calls"] for row in answered)
    calls = len(each) * passages
    bound = sum(request.max_tokens for request in each) / len(each)
    completion = sum(row["completion_tokens"] for row in answered) / done if done else bound
    how = "measured" if not unread else "estimated from passages per document"
    estimate.add("calls", calls, f"{how}; {len(each)} a passage{_by_all(len(writers))}, repair on top")
    estimate.add("calls_answered_before", done, "measured: the ledger never asks the same again")
    estimate.add("prompt_tokens", round(prompt), f"estimated: {CHARACTERS_PER_TOKEN:g} characters a token")
    basis = f"estimated: mean of {done} answers in the ledger" if done else f"upper bound: {bound:.0f} tokens a reply at most"
    estimate.add("completion_tokens", round(calls * completion), basis)
    if done:
        lanes = getattr(author, "concurrency", 1)
        estimate.add(
            "author_seconds", round(calls * sum(row["seconds"] for row in answered) / done / lanes, 1), f"estimated: {lanes} at once"
        )
    else:
        estimate.add("author_seconds", None, "unknown: no answer of this model in the ledger")


def _judge(estimate: Estimate, context: Context, passages: int, start: str) -> None:
    """Calls and tokens of a language-model judge: probes, canary and gates."""
    settings, section = context.settings, context.settings.judge
    if STAGES.index(start) > STAGES.index("judge-gate"):
        estimate.add("judge_calls", 0, f"measured: no judge is asked from {start} on")
        return
    models = [judge for judge in single_judges(section) if isinstance(judge, LanguageModelSection)] if section else []
    if not models:
        estimate.add("judge_calls", 0, "measured: no judge that calls a model")
        return
    author = settings.author
    each = (author.writing if isinstance(author, LanguageModelAuthor) else author).tasks_per_passage
    tasks = len(read_rows(context.workspace, "tasks", "task_key")) + passages * each
    probed = min(settings.probes.sample_tasks, tasks)
    canary = min(settings.lock.canary_pairs, 4 * tasks) * (settings.lock.repeats + 1)
    gate_calls = len(kinds(settings.gates.judge))
    audited = ceil(settings.gates.judge.audit_share * tasks)
    calls = sum(map(calls_a_grading, models)) * (gate_calls * tasks + PROBE_CALLS * probed + AUDIT_CALLS * audited + canary)
    each_of = f"; by each of {len(models)} models of the ensemble" if len(models) > 1 else ""
    reflecting = [calls_a_grading(model) for model in models if calls_a_grading(model) > 1]
    each_of += f"; at most {max(reflecting)} calls for each where a judge reflects" if reflecting else ""
    estimate.add(
        "judge_calls",
        calls,
        f"estimated: {gate_calls} a task for {tasks} tasks, {PROBE_CALLS} for each of {probed} probed ones, {AUDIT_CALLS} for each of "
        f"{audited} audited ones, {canary} for the lock{each_of}",
    )
    if (solver := settings.gates.judge.solver) is not None:
        estimate.add("solver_calls", solver.samples * tasks, f"upper bound: {solver.samples} a task, none after a refusal")
    characters = STAND_IN_WORDS * 6 + JUDGE_OVERHEAD_CHARACTERS
    estimate.add("judge_prompt_tokens", round(calls * characters / CHARACTERS_PER_TOKEN), f"estimated: {characters} characters a call")
    estimate.add("judge_completion_tokens", calls * JUDGE_REPLY_TOKENS, f"estimated: {JUDGE_REPLY_TOKENS} tokens a verdict")


def _money(estimate: Estimate, context: Context) -> None:
    prices = context.settings.prices
    figures = estimate.figures
    tokens = tuple(figures[f"{kind}_tokens"] + figures.get(f"judge_{kind}_tokens", 0) for kind in ("prompt", "completion"))
    if tokens == (0, 0):
        estimate.add("money", 0.0, "measured: no model is called")
    elif prices.prompt_per_million is None or prices.completion_per_million is None:
        estimate.add("money", None, "unknown price: set [prices] in the configuration")
    else:
        money = (tokens[0] * prices.prompt_per_million + tokens[1] * prices.completion_per_million) / 1e6
        how = "upper bound" if estimate.basis["completion_tokens"].startswith("upper bound") else "estimated"
        estimate.add("money", round(money, 2), f"{how}: {prices.currency}, from the tokens above")


def estimate_rebuild(context: Context, *, start: str, limit: int | None) -> Estimate:
    """Figures of a rebuild from stage `start` on. Nothing is read, sent or paid. Errors: UsageError for a missing or empty source."""
    estimate = Estimate({}, {})
    to_read = _documents(estimate, context, limit) if start == "ingest" else 0
    seconds = [row["seconds"] for row in read_rows(context.workspace, "documents", "seconds")]
    each = fmean(seconds) if len(seconds) >= ENOUGH_DOCUMENTS else SECONDS_PER_DOCUMENT
    workers = context.settings.extract.workers
    basis = f"estimated: {each:.2f} s a document, {workers} side by side"
    estimate.add("ingest_seconds", round(to_read * each / workers, 1), basis)
    rate, where = _passages_per_document(context)
    unread = round(to_read * rate)
    rows = open_passages(context) if start in ("ingest", "passages", "author") else []
    estimate.add("passages_to_ask", len(rows) + unread, "measured" if not unread else f"{len(rows)} measured, {unread} estimated {where}")
    author = context.settings.author
    if isinstance(author, LanguageModelAuthor):
        _calls(estimate, context, author, [row["text"] for row in rows], unread)
    else:
        for name in ("calls", "prompt_tokens", "completion_tokens"):
            estimate.add(name, 0, f"measured: the author {author.type!r} calls no model")
    _judge(estimate, context, len(rows) + unread, start)
    _money(estimate, context)
    return estimate
