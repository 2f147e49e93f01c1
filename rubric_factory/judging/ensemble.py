"""Several judges as one: each grades every answer, combined.py makes one verdict of theirs, and what each said is kept beside it."""

from collections.abc import Sequence

from rubric_factory.errors import ConfigurationError
from rubric_factory.judging import combined
from rubric_factory.judging.protocol import Judge, JudgeInput
from rubric_factory.records import Judgement
from rubric_factory.settings.judge import Ensemble


class EnsembleJudge:
    """A Judge over judges, which are asked one after the other. Errors: ConfigurationError where two of them are the same judge."""

    def __init__(self, section: Ensemble, judges: Sequence[Judge]) -> None:
        self.judges = tuple(judges)
        self._combine, self._min_agreement = section.combine, section.min_agreement
        names = [judge.identity for judge in self.judges]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ConfigurationError(
                f"the ensemble has the judge {twice} twice: it would agree with itself",
                expected="members that differ in model, revision, mode or prompts",
                fix="name another judge in [judge] members",
            )

    @property
    def identity(self) -> str:
        """The rule and the identities of all members, in order."""
        return f"ensemble {self._combine}>={self._min_agreement}: {' + '.join(judge.identity for judge in self.judges)}"

    @property
    def evidence_grade(self) -> str:
        """'model'; 'demo' where any member is."""
        return "demo" if any(judge.evidence_grade == "demo" for judge in self.judges) else "model"

    def grade_many(self, batch: Sequence[JudgeInput]) -> list[Judgement]:
        """See Judge. Every member grades the whole batch, so that each has the evidence of a batch."""
        given = [judge.grade_many(batch) for judge in self.judges]
        return [
            combined.judgement(item, own, self.identity, self._combine, self._min_agreement)
            for item, *own in zip(batch, *given, strict=True)
        ]
