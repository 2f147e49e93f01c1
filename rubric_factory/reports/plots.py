"""Plots as static inline SVG: the same figures give the same bytes, the colours are those of the page.

Every label that comes from data passes `visible.label` first: one line of ASCII, never read as mathematics.
"""

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rubric_factory.errors import MissingExtraError
from rubric_factory.reports.visible import Markup, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 4.6, 2.5  # inches; 72 units an inch in the SVG
BINS = 24
FEWEST_BARS = 5  # room on the axis of whole numbers: one bar alone does not fill a plot
# Stand-ins drawn by matplotlib and replaced by the page's colours: text, axes, then the series (Okabe and Ito, colour-blind safe).
_INK, _RULE = "#0101f0", "#0101f1"
_SERIES = ("#0102f0", "#0102f1", "#0102f2", "#0102f3", "#0102f4", "#0102f5")
_COLOURS = {_INK: "var(--muted)", _RULE: "var(--rule)", **{stand_in: f"var(--s{n})" for n, stand_in in enumerate(_SERIES, 1)}}
# Colours alone do not tell lines apart on paper: each series has a dash pattern too.
_DASHES: tuple[Any, ...] = ("solid", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)), (0, (3, 1)), (0, (8, 3)))
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "rubric-factory",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _RULE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "xtick.color": _RULE,
    "ytick.color": _RULE,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "grid.color": _RULE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


class Plot:
    """One plot with labelled axes: `with Plot(x=..., y=...) as plot`, draw on plot.axes, then `plot.svg`."""

    def __init__(self, title: str, *, x: str, y: str, height: float = HEIGHT) -> None:
        """title: what a screen reader says. x, y: what the axes show, with its unit."""
        try:
            import matplotlib as mpl
            from matplotlib import style
            from matplotlib.figure import Figure
        except ImportError:
            raise MissingExtraError.of("matplotlib", "pipeline") from None
        self._title, self._context = title, mpl.rc_context()
        self._context.__enter__()
        style.use(["default", _STYLE])
        self._figure = Figure(figsize=(WIDTH, height), layout="constrained")
        self.axes: Axes = self._figure.subplots()
        self.axes.set_xlabel(x)
        self.axes.set_ylabel(y)
        self.axes.tick_params(length=0)
        self.svg = Markup("")

    def __enter__(self) -> "Plot":
        return self

    def __exit__(self, *raised: object) -> None:
        try:
            if raised[0] is None:
                self.svg = self._drawn()
        finally:
            self._context.__exit__(None, None, None)

    def _drawn(self) -> Markup:
        out = io.StringIO()
        self._figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
        text = out.getvalue()
        text = text[text.index("<svg") :]
        # The RDF block names addresses, comments repeat labels, and a style element would reach beyond its plot.
        for part in (r"<metadata>.*?</metadata>", r"<style[^>]*>.*?</style>", r"<!--.*?-->"):
            text = re.sub(part, "", text, flags=re.DOTALL)
        text = re.sub(r"#010[12]f[0-5]", lambda found: _COLOURS[found.group()], text)
        text = text.replace("font-family: 'DejaVu Sans'", "font-family: var(--sans)")
        text = re.sub(r'<g id="[^"]*"', "<g", text)  # the same in every plot of a page, and nothing refers to them
        head = re.compile(r'<svg\b[^>]*?viewBox="([^"]*)"[^>]*>', re.DOTALL)
        opened = Markup('<svg class="plot" role="img" viewBox="{}"><title>{}</title>').format(head.search(text)[1], self._title)  # type: ignore[index]
        return Markup(head.sub(lambda _: str(opened), text, count=1))


def bars(title: str, counts: Mapping[str, float], *, x: str, limit: int = 12) -> Markup:
    """Horizontal bars, the longest first; beyond `limit` the rest as one. counts: label -> number."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = ordered[:limit]
    if ordered[limit:]:
        shown.append((f"({len(ordered) - limit} more)", sum(n for _, n in ordered[limit:])))
    with Plot(title, x=x, y="", height=0.75 + 0.21 * max(len(shown), 3)) as plot:
        positions = range(len(shown))
        drawn = plot.axes.barh(positions, [n for _, n in shown], color=_SERIES[0], height=0.66)
        plot.axes.bar_label(drawn, fmt="{:,.0f}", padding=3)
        plot.axes.set_yticks(positions, [label(name) for name, _ in shown])
        plot.axes.invert_yaxis()
        plot.axes.margins(x=0.14, y=0.03)
        _whole(plot.axes.xaxis)
    return plot.svg


def _whole(axis: Any) -> None:
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    axis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    axis.set_major_formatter(StrMethodFormatter("{x:z,.0f}"))


def histogram(title: str, values: Sequence[float], *, x: str, y: str, span: tuple[float, float] | None = None) -> Markup:
    """Histogram with its median marked. Whole numbers within a short range get one bar each; span: fixed ends of the axis."""
    ordered = sorted(values)
    low, high = span or (ordered[0], ordered[-1])
    whole = span is None and all(float(value).is_integer() for value in ordered)
    edges = _edges(low, high, whole)
    median = ordered[len(ordered) // 2]
    with Plot(title, x=x, y=y) as plot:
        plot.axes.hist(ordered, bins=edges, color=_SERIES[0], rwidth=0.9)
        plot.axes.axvline(
            median, color=_SERIES[1], linewidth=1.4, linestyle=(0, (4, 2)), label=f"median {median:z,.2f}".removesuffix(".00")
        )
        plot.axes.legend(loc="lower right", bbox_to_anchor=(1, 1), handlelength=1.6, borderaxespad=0)  # above the bars
        plot.axes.grid(axis="y")
        _whole(plot.axes.yaxis)
        if whole:
            _whole(plot.axes.xaxis)
            if high - low + 1 < FEWEST_BARS:
                start = max(low - FEWEST_BARS // 2, min(low, 0)) - 0.5
                plot.axes.set_xlim(start, max(start + FEWEST_BARS, high + 0.5))
    return plot.svg


def _edges(low: float, high: float, whole: bool) -> list[float]:
    if whole:
        step = max(1, -(-int(high - low + 1) // BINS))
        return [low - 0.5 + step * n for n in range(int((high - low) // step) + 2)]
    if low == high:
        low, high = low - 0.5, high + 0.5
    width = (high - low) / BINS
    return [low + width * n for n in range(BINS + 1)]


def curves(title: str, series: Mapping[str, Sequence[tuple[float, float]]], *, x: str, y: str, floor: float | None = None) -> Markup:
    """One line a series of (x, y) points, in the order given, at most six. floor: where the y axis starts at the latest."""
    with Plot(title, x=x, y=y) as plot:
        for number, (name, points) in enumerate(series.items()):
            columns = list(zip(*points, strict=True))
            marker = "." if len(points) < 30 else None
            plot.axes.plot(*columns, color=_SERIES[number], linestyle=_DASHES[number], linewidth=1.5, marker=marker, label=label(name))
        plot.axes.grid(axis="y")
        if floor is not None and plot.axes.get_ylim()[0] > floor:
            plot.axes.set_ylim(bottom=floor)
        if len(series) > 1:
            plot.axes.legend(loc="best", handlelength=2.4)
        _steps(plot.axes)
    return plot.svg


def _steps(axes: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def intervals(title: str, rows: Sequence[tuple[str, float, float, float]], *, x: str, zero: bool = True) -> Markup:
    """Means with their intervals, one row each, in the order given. rows: (label, mean, low, high); zero: mark where x is 0."""
    with Plot(title, x=x, y="", height=0.8 + 0.27 * max(len(rows), 3)) as plot:
        positions = range(len(rows))
        means = [mean for _, mean, _, _ in rows]
        errors = [[mean - low for _, mean, low, _ in rows], [high - mean for _, mean, _, high in rows]]
        plot.axes.errorbar(means, positions, xerr=errors, fmt="o", color=_SERIES[0], markersize=5, linewidth=1.6, capsize=3)
        plot.axes.set_yticks(positions, [label(name) for name, *_ in rows])
        plot.axes.invert_yaxis()
        plot.axes.margins(y=0.16)
        plot.axes.grid(axis="x")
        if zero:
            plot.axes.axvline(0, color=_INK, linewidth=0.9)
    return plot.svg
