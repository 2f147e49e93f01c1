"""References with one fact flipped (number, unit, name), and references that keep the words and lose the meaning."""

from collections.abc import Sequence

from rubric_factory import text
from rubric_factory.judging import corruptions
from rubric_factory.judging.levels import keys
from rubric_factory.judging.probes.protocol import Bench, Graded, ProbeResult, ProbeTask, shares
from rubric_factory.records import Criterion, Judgement

# 'J > 0': anything a judge tells apart at all.
ANY_J = 0.01


def touched(probe: ProbeTask, corrupted: str) -> list[Criterion]:
    """Positive criteria whose required elements (description, where there are none) hold a word that the corruption took away."""
    gone = set(text.words(probe.task.reference_answer)) - set(text.words(corrupted))
    found = []
    for criterion in probe.task.rubric.criteria:
        asked = " ".join(criterion.required_elements) or criterion.description
        if criterion.weight > 0 and gone & set(text.words(asked)):
            found.append(criterion)
    return found


def _drops(bench: Bench, corrupted: list[tuple[ProbeTask, str]], *, all_criteria: bool) -> list[tuple[Graded, float | None]]:
    """(answer, share on the reference - share on the corrupted answer) per criterion; None where either has no grade.

    Of a judge that rates: per answer, whatever was touched.
    """
    worse = bench.grade(corrupted)
    intact = bench.grade([(probe, probe.task.reference_answer) for probe, _ in corrupted])
    found: list[tuple[Graded, float | None]] = []
    for before, after in zip(intact, worse, strict=True):
        for key in _compared(after, [before.judgement, after.judgement], all_criteria=all_criteria):
            one, two = shares(before).get(key), shares(after).get(key)
            found.append((after, None if one is None or two is None else one - two))
    return found


def _compared(after: Graded, judgements: list[Judgement], *, all_criteria: bool) -> list[str]:
    rubric = after.probe.task.rubric
    if any(judgement.rating is not None for judgement in judgements):
        return keys(rubric, judgements)
    positive = [criterion for criterion in rubric.criteria if criterion.weight > 0]
    return [criterion.criterion_key for criterion in (positive if all_criteria else touched(after.probe, after.response))]


def changed(bench: Bench) -> list[ProbeResult]:
    """Drop of the touched criteria when a number, a unit or a name is another one."""
    families = {
        name: [(probe, worse) for probe in bench.tasks if (worse := corrupt(probe.task.reference_answer)) is not None]
        for name, corrupt in corruptions.FACTS.items()
    }
    families["changed_entity"] = changed_entities(bench.tasks)
    accept = bench.settings.changed_drop
    return [
        bench.result(name, _drops(bench, pairs, all_criteria=False), accept=accept, severity="warning", floor=True)
        for name, pairs in families.items()
    ]


def changed_entities(tasks: Sequence[ProbeTask]) -> list[tuple[ProbeTask, str]]:
    """References with a name of another document in the place of one of their own, of the tasks where there is such a name."""
    ordered = sorted(tasks, key=lambda probe: probe.task.task_id)
    found = []
    for index, probe in enumerate(ordered):
        others = [o for o in ordered[index + 1 :] + ordered[:index] if o.task.document_key != probe.task.document_key]
        names = [name for other in others[:10] for name in corruptions.names_in(other.passage_text)]
        worse = corruptions.change_entity(probe.task.reference_answer, names, probe.task.question)
        if worse is not None:
            found.append((probe, worse))
    return found


def meaning(bench: Bench) -> list[ProbeResult]:
    """J = credit on the reference - credit on the corrupted answer, per family, over the criteria that it concerns."""
    results = []
    for name, corrupt in corruptions.MEANINGS.items():
        pairs = [(probe, worse) for probe in bench.tasks if (worse := corrupt(probe.task.reference_answer)) is not None]
        values = _drops(bench, pairs, all_criteria=name != "missing_conjunct")
        results.append(bench.result(name, values, accept=ANY_J, severity="warning", floor=True))
    vague = [(probe, corruptions.unspecific(probe.task.question)) for probe in bench.tasks]
    values = _drops(bench, vague, all_criteria=True)
    return [*results, bench.result("unspecific", values, accept=ANY_J, severity="warning", floor=True)]
