"""The hand-made tasks folded into a workspace, and a judge that counts: for tests of the stages and commands that grade."""

from dataclasses import replace

from factory import AUTHOR, Corpus, make_context
from scripted_judges import GoodJudge, hand_made_tasks

from rubric_factory.judging.judges import JUDGES
from rubric_factory.records import JudgeFailure, Judgement, Passage

SMALL = {"probes": {"sample_tasks": 4}, "lock": {"canary_pairs": 16}}


class CountingJudge(GoodJudge):
    """Counts what it is asked. spoil(item) may return the failure that a given answer meets."""

    def __init__(self, spoil=lambda item: None):
        self.asked = []
        self.spoil = spoil

    def grade(self, item):
        self.asked.append(item)
        failure = self.spoil(item)
        return super().grade(item) if failure is None else Judgement(item.task_id, item.response_id, (), self.identity, failure)

    @property
    def count(self):
        """Answers asked since the last look."""
        asked, self.asked = len(self.asked), []
        return asked


def unreachable(item):
    return JudgeFailure.TRANSPORT


def hand_made_corpus():
    """12 tasks of 6 documents, one passage each, gated and passed."""
    corpus = Corpus()
    for probe in hand_made_tasks():
        task = replace(probe.task, author=AUTHOR)
        if not any(p.passage_id == task.passage_id for p in corpus.passages):
            corpus.add(task.document_key, 0, document_id=task.document_id, genre="hand")
            text = probe.passage_text
            corpus.passages.append(Passage(task.passage_id, task.document_id, task.document_key, "0", "", 0, 0, len(text), 1, 1, text))
        corpus.tasks.append(task)
    return corpus


def install(monkeypatch, judge):
    """Let `[judge] type = "lexical"` mean this judge."""
    monkeypatch.setitem(JUDGES, "lexical", lambda section, ledger: judge)
    return judge


def judged_context(root, **changes):
    """A quiet context with a judge and small samples."""
    return make_context(root, **{**SMALL, "judge": {"type": "lexical"}, **changes})
