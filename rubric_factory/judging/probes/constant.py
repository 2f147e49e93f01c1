"""The best constant answer: one text for every task, chosen by the judge itself on tasks set apart for it."""

import random
from collections import Counter
from collections.abc import Sequence

from rubric_factory import text
from rubric_factory.judging.probes.protocol import Bench, ProbeTask
from rubric_factory.judging.protocol import Judge
from rubric_factory.settings.judge import ProbeSettings

FIT_TASKS, REFERENCES, LENGTHS = 40, 12, (8, 16, 32, 64, 128)


def candidates(tasks: Sequence[ProbeTask], seed: int) -> list[str]:
    """Texts worth a try: the most frequent words of the passages and of the references at several lengths, and sampled references."""
    found = []
    for sources in ([probe.passage_text for probe in tasks], [probe.task.reference_answer for probe in tasks]):
        counts = Counter(word for source in sources for word in text.words(source))
        ranked = [word for word, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))]
        found += [" ".join(ranked[:length]) for length in LENGTHS]
    ordered = sorted(tasks, key=lambda probe: probe.task.task_id)
    drawn = random.Random(seed).sample(ordered, min(REFERENCES, len(ordered)))
    return list(dict.fromkeys([*found, *(probe.task.reference_answer for probe in drawn)]))


def best_constant_answer(judge: Judge, tasks: Sequence[ProbeTask], *, seed: int) -> str:
    """The candidate with the highest mean reward over at most FIT_TASKS of the tasks. Errors: ValueError without tasks.

    A candidate is never counted on the document it came from: it would be that task's reference, not a constant.
    """
    if not tasks:
        raise ValueError("a constant answer is fitted on at least one task")
    ordered = sorted(tasks, key=lambda probe: probe.task.task_id)
    fit = random.Random(seed).sample(ordered, min(FIT_TASKS, len(ordered)))
    own = {probe.task.reference_answer: probe.task.document_key for probe in tasks}
    bench = Bench(judge, fit, ProbeSettings(), seed)
    best, best_mean = "", -1.0
    for answer in candidates(tasks, seed):
        graded = bench.grade([(probe, answer) for probe in fit if probe.task.document_key != own.get(answer)])
        mean = sum(a.reward or 0.0 for a in graded) / len(graded) if graded else 0.0
        if mean > best_mean:
            best, best_mean = answer, mean
    return best
