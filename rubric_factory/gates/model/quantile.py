"""judge_quantile: of all tasks only those of middling difficulty are kept (central quantile of Rubicon, arXiv 2508.12790).

It looks at the tasks together, so it comes when every other gate has spoken; it takes no call.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping

from rubric_factory.gates.protocol import GateFinding
from rubric_factory.settings.gates import JudgeGateSettings

NAME = "judge_quantile"


def quantile(means: Mapping[str, float], settings: JudgeGateSettings) -> dict[str, GateFinding]:
    """Findings by task_id. means: task_id -> mean score of the solver's answers, of the tasks that are still in.

    figure: share of the tasks that lie strictly below or strictly above, whichever is smaller; tasks as easy as one that stays stay, too.
    At least one task stays. With central_share 1 there is nothing to find.
    """
    if settings.central_share == 1 or not means:
        return {}
    ordered = sorted(means.values())
    kept = max(1, round(settings.central_share * len(ordered)))
    first = (len(ordered) - kept) // 2
    low, high = ordered[first], ordered[first + kept - 1]
    return {
        task_id: GateFinding(
            low <= mean <= high, _outer_share(mean, ordered), f"the solver earns {mean:.2f}, the central tasks {low:.2f} to {high:.2f}"
        )
        for task_id, mean in means.items()
    }


def _outer_share(mean: float, ordered: list[float]) -> float:
    return min(bisect_left(ordered, mean), len(ordered) - bisect_right(ordered, mean)) / len(ordered)
