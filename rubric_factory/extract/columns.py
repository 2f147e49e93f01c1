"""Reading order: the gutter of a two-column page, and lines brought into the order in which they are read."""

from collections.abc import Sequence
from itertools import pairwise

from rubric_factory.extract.line import Line

MIN_LINES = 8
SAMPLE = 6
MIN_CHARACTERS = 20  # of the mean line of a column: what is narrower is a table


def upright(lines: Sequence[Line]) -> list[Line]:
    """Lines without those that run another way than most of the page: stamps on the margin, labels of vertical axes."""
    turned = sum(not line.upright for line in lines)
    if not turned:
        return list(lines)
    wanted = 2 * turned <= len(lines)
    return [line for line in lines if line.upright is wanted]


def sample(lines: Sequence[Line]) -> list[Line]:
    """Some of the page's full-width lines of prose, evenly spread; none on a page that has few."""
    placed = [line for line in lines if line.size]
    if len(placed) < MIN_LINES:
        return []
    left, right = min(line.x0 for line in placed), max(line.x1 for line in placed)
    wide = [line for line in placed if line.x1 - line.x0 > 0.7 * (right - left) and len(line.text) > 2 * MIN_CHARACTERS]
    if len(wide) < MIN_LINES:
        return []
    step = len(wide) / SAMPLE
    return [wide[int(step * number)] for number in range(SAMPLE)]


def common_gutter(gaps: Sequence[tuple[float, float]], sampled: int) -> float | None:
    """The x in the middle of a blank that at least two thirds of the sampled lines share."""
    if not gaps or 3 * len(gaps) < 2 * sampled:
        return None
    for x in sorted((left + right) / 2 for left, right in gaps):
        over = [gap for gap in gaps if gap[0] <= x <= gap[1]]
        if 3 * len(over) >= 2 * sampled:
            return (max(left for left, _ in over) + min(right for _, right in over)) / 2
    return None


def ordered(lines: list[Line], gutter: float | None = None) -> list[Line]:
    """Lines in reading order. The order of the page's stream stands unless it jumps between columns, or up the page, again and again."""
    if len(lines) < MIN_LINES or any(not line.size for line in lines):
        return lines
    if gutter is None:
        gutter = _gutter_between(lines)
    if gutter is not None:
        sides = [_side(line, gutter) for line in lines]
        jumps = sum(one * other < 0 for one, other in pairwise(side for side in sides if side))
        return _by_columns(lines, sides) if jumps > 3 + 2 * sides.count(0) else lines
    rises = sum(below.y > above.y + 3 * max(above.size, below.size) for above, below in pairwise(lines))
    return sorted(lines, key=lambda line: (-round(line.y, 1), line.x0)) if rises > 0.25 * len(lines) else lines


def _side(line: Line, gutter: float) -> int:
    """-1 left of the gutter, 1 right of it, 0 across."""
    return -1 if line.x1 <= gutter + 1 else 1 if line.x0 >= gutter - 1 else 0


def _gutter_between(lines: Sequence[Line]) -> float | None:
    """The middle of the page's text, if two columns of prose stand beside it and few lines run across."""
    middle = (min(line.x0 for line in lines) + max(line.x1 for line in lines)) / 2
    sides = [_side(line, middle) for line in lines]
    if min(sides.count(-1), sides.count(1)) < MIN_LINES // 2 or 2 * sides.count(0) > len(lines):
        return None
    for side in (-1, 1):
        column = [line for line, where in zip(lines, sides, strict=True) if where == side]
        if sum(len(line.text) for line in column) < MIN_CHARACTERS * len(column):
            return None
    return middle


def _by_columns(lines: Sequence[Line], sides: Sequence[int]) -> list[Line]:
    """Down the page; between two lines that run across it, the left column before the right one."""
    down = sorted(zip(lines, sides, strict=True), key=lambda item: (-round(item[0].y, 1), item[0].x0))
    result: list[Line] = []
    left: list[Line] = []
    right: list[Line] = []
    for line, side in down:
        if side == 0:
            result += [*left, *right, line]
            left, right = [], []
        else:
            (left if side < 0 else right).append(line)
    return [*result, *left, *right]
