"""padding: many criteria that rest on one and the same words of the passage are one criterion, sold several times."""

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.records import Criterion
from rubric_factory.settings.gates import GateSettings

_SAME_SHARE = 0.8
_ALL = 3


def _characters(criterion: Criterion) -> set[int]:
    return {position for span in criterion.evidence for position in range(span.start, span.end)}


def padding(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: most positive criteria whose evidence is, to 80 % of the shorter one's characters, that of one of them.

    Also refused: three or more positive criteria that all rest on the same words.
    """
    spans = [_characters(c) for c in item.task.rubric.criteria if c.weight > 0 and c.evidence]
    groups = [sum(len(one & other) >= _SAME_SHARE * min(len(one), len(other)) for other in spans) for one in spans]
    worst = max(groups, default=0)
    alone = _ALL <= len(spans) == worst
    return GateFinding(
        worst <= settings.max_shared_evidence and not alone,
        worst,
        f"{worst} criteria on the same evidence, at most {settings.max_shared_evidence}",
    )
