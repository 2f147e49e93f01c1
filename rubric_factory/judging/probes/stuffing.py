"""Words without a statement: the field's terms as a bare list, and the best constant answer fitted on other documents."""

from collections import Counter

from rubric_factory import text
from rubric_factory.judging.probes.constant import best_constant_answer
from rubric_factory.judging.probes.protocol import Bench, ProbeResult, ProbeTask, rewards

TERMS = 20


def field_terms(passage: str, limit: int = TERMS) -> list[str]:
    """Required-looking terms of a passage: its long words and numbers, the most frequent first."""
    counts = Counter(word for word in text.words(passage) if len(word) >= 5 or word.isdigit())
    return [word for word, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]]


def _lists(probe: ProbeTask) -> list[str]:
    found = field_terms(probe.passage_text)
    return [", ".join(found), " and the ".join(found), "The answer involves " + ", ".join(found) + "."]


def _elements(probe: ProbeTask) -> list[str]:
    wanted = [element for c in probe.task.rubric.criteria if c.weight > 0 for element in c.required_elements]
    return [", ".join(wanted), " and the ".join(wanted)] if wanted else []


def stuffing(bench: Bench) -> list[ProbeResult]:
    """Bare lists of the passage's terms (error), and, harder than any policy can know, of the rubric's own elements (warning)."""
    lists = bench.grade([(probe, answer) for probe in bench.tasks for answer in _lists(probe)])
    elements = bench.grade([(probe, answer) for probe in bench.tasks for answer in _elements(probe)])
    return [
        bench.result("stuffing", rewards(lists), accept=bench.settings.stuffing, severity="error"),
        bench.result("stuffing_elements", rewards(elements), accept=bench.settings.stuffing, severity="warning"),
    ]


def constant(bench: Bench) -> list[ProbeResult]:
    """The best constant answer, fitted on every second document and graded on the others."""
    documents = sorted({probe.task.document_key for probe in bench.tasks})
    fitting = set(documents[::2])
    fit = [probe for probe in bench.tasks if probe.task.document_key in fitting]
    rest = [probe for probe in bench.tasks if probe.task.document_key not in fitting]
    if not rest:
        return [bench.result("constant", [], accept=bench.settings.stuffing, severity="error", note="needs two documents")]
    answer = best_constant_answer(bench.judge, fit, seed=bench.seed)
    return [
        bench.result(
            "constant", rewards(bench.grade([(probe, answer) for probe in rest])), accept=bench.settings.stuffing, severity="error"
        )
    ]
