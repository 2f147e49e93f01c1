"""What the work that is left will take of language models, scaled from a measured sample in the ledger, with 90 % intervals.

`rebuild --dry-run` looks at a whole rebuild before there is anything to measure; this looks at passages and tasks that are there.
"""

from collections.abc import Iterator
from typing import Any

from flows.estimate import PROBE_CALLS, open_passages
from flows.sample import Sample, answered, samples
from flows.summary import read_rows
from rubric_factory.gates.model.protocol import kinds
from rubric_factory.settings.author import LanguageModelAuthor, writers_of
from rubric_factory.settings.judge import single_judges
from rubric_factory.settings.llm import LanguageModelSection
from rubric_factory.settings.prices import PriceSettings
from rubric_factory.stages import Context

Row = dict[str, Any]
MAKE_AUTHOR = "no sample: make one with `rubric-factory author --limit 20`, then ask again"
MAKE_JUDGE = "no sample: `rubric-factory publish` on a few tasks, or `judge probe`, makes one"


def _range(values: tuple[float, float, float], digits: int = 0) -> Row:
    expected, low, high = (round(value, digits) if digits else round(value) for value in values)
    return {"expected": expected, "low": low, "high": high}


def _scaled(sample: Sample, count: int, model: str, prices: PriceSettings) -> Row:
    """Figures of `count` further subjects like those of the sample: {expected, low, high} each; hours and money None where unknown."""
    sums = {name: sample[name].sum_of(count) for name in ("calls", "prompt", "uncached", "completion", "seconds")}
    row: Row = {"calls": _range(sums["calls"])}
    row |= {f"{name}_tokens": _range(sums[name]) for name in ("prompt", "uncached", "completion")}
    lanes = sample.lanes
    row["hours"] = None if lanes is None else _range(tuple(value / lanes / 3600 for value in sums["seconds"]), 3)  # type: ignore[arg-type]
    price = prices.for_model(model)
    cached = [p - u if sample.told == 1.0 else 0.0 for p, u in zip(sums["prompt"], sums["uncached"], strict=True)]
    money = [price.of(p, c, k) for p, c, k in zip(sums["prompt"], sums["completion"], cached, strict=True)]
    row["money"] = None if None in money else _range(tuple(money), 4)  # type: ignore[arg-type]
    return row


def _authors(context: Context) -> Iterator[Row]:
    """What is left for the author and for each co-author: the same passages."""
    section = context.settings.author
    if not isinstance(section, LanguageModelAuthor):
        yield {"stage": "author", "left": 0, "basis": f"the author {section.type!r} calls no model"}
        return
    for writer in writers_of(section):
        yield _author(context, writer)


def _author(context: Context, section: LanguageModelSection) -> Row:
    left = {row["passage_id"] for row in open_passages(context)}
    known = answered(context.workspace, section.model, section.revision, "author") & left
    sample = samples(context.workspace, section.model, section.revision).get("author")
    row: Row = {"stage": "author", "model": section.model, "unit": "passages", "left": len(left), "answered_before": len(known)}
    if sample is None:
        return {**row, "basis": MAKE_AUTHOR}
    written = max(len(read_rows(context.workspace, "tasks", "task_id")), 1)
    asked = max(len(read_rows(context.workspace, "authored", "passage_id")), 1)
    row |= _scaled(sample, len(left - known), section.model, context.settings.prices)
    row["uncached_prompt_tokens_per_task"] = round(sample["uncached"].mean * asked / written, 1)
    return {**row, "basis": _basis(sample, "passages")}


def _basis(sample: Sample, unit: str) -> str:
    how = "as the server told" if sample.told == 1.0 else "the part that the prompt before did not have"
    lanes = "" if sample.lanes is None else f", {sample.lanes:.1f} calls under way at once"
    return f"measured on {sample.subjects} {unit}{lanes}; uncached: {how}"


def _judge(context: Context, passages: int) -> Iterator[Row]:
    """judge-gate over tasks without a score, probes over a fresh sample of tasks; both with tasks that are still to be written.

    For each model of an ensemble.
    """
    section = context.settings.judge
    models = [judge for judge in single_judges(section) if isinstance(judge, LanguageModelSection)] if section else []
    if not models:
        yield {"stage": "judge", "left": 0, "basis": "no judge that calls a model"}
    for model in models:
        yield from _model_judge(context, model, passages)


def _model_judge(context: Context, section: LanguageModelSection, passages: int) -> Iterator[Row]:
    settings = context.settings
    found = samples(context.workspace, section.model, section.revision)
    tasks = {row["task_id"] for row in read_rows(context.workspace, "tasks", "task_id")}
    scored = {row["task_id"] for row in read_rows(context.workspace, "quality", "task_id")}
    asked = len(read_rows(context.workspace, "authored", "passage_id"))
    coming = round(passages * (len(tasks) / asked if asked else 1.0))
    gate_calls = len(kinds(settings.gates.judge))
    probed = min(settings.probes.sample_tasks, len(tasks) + coming)
    plan = (("judge-gate", len(tasks - scored) + coming, gate_calls), ("probe", probed if len(tasks - scored) + coming else 0, PROBE_CALLS))
    for stage, left, calls in plan:
        row: Row = {"stage": stage, "model": section.model, "unit": "tasks", "left": left}
        sample = found.get(stage)
        if sample is None:
            yield {**row, "calls": _range((left * calls,) * 3), "basis": f"{MAKE_JUDGE}; calls: {calls} a task, a rule of thumb"}
            continue
        row |= _scaled(sample, left, section.model, settings.prices)
        row["uncached_prompt_tokens_per_judged_response"] = round(sample["uncached"].mean / sample["calls"].mean, 1)
        yield {**row, "basis": _basis(sample, "tasks")}


def forecast(context: Context) -> list[Row]:
    """One row a stage that calls a model; nothing is sent. Figures are {expected, low, high}, absent where nothing was measured."""
    authors = list(_authors(context))
    return [*authors, *_judge(context, authors[0]["left"])]
