"""Pages from templates: every value escaped and made visible on its way out, one stylesheet, no script, no address."""

import math
from importlib.resources import files
from typing import Any

from rubric_factory.errors import MissingExtraError
from rubric_factory.reports.visible import Markup, cut, unfolded, visible

TEMPLATES = "templates"


def count(value: Any) -> str:
    """A whole number with thousands apart; a dash where there is none."""
    return f"{value:,}" if isinstance(value, int) else "–"


def figure(value: Any) -> str:
    """A measured number with three digits after the point, whole ones as they are; a dash where there is none."""
    if isinstance(value, float):
        return f"{value:z,.3f}".replace("-", "−") if math.isfinite(value) else "not a number"
    return count(value) if value is None or isinstance(value, int) else str(value)


def percent(value: Any) -> str:
    """A share 0 .. 1 in per cent; a dash where there is none."""
    return f"{value:.1%}" if isinstance(value, int | float) else "–"


def words(name: Any) -> str:
    """A snake_case name as words."""
    return str(name).replace("_", " ")


def _cut(value: Any, limit: int = 2000) -> Markup:
    return value if isinstance(value, Markup) else cut(str(value), limit)


def _unfold(value: Any, limit: int = 2000) -> Markup:
    return value if isinstance(value, Markup) else unfolded(str(value), limit)


def render(template: str, values: dict[str, Any]) -> str:
    """A page. Every expression passes `visible`, so a template cannot forget to escape.

    Errors: MissingExtraError; ValueError where a value that the template names is not there.
    """
    try:
        import jinja2
    except ImportError:
        raise MissingExtraError.of("jinja2", "pipeline") from None
    folder = files("rubric_factory.reports").joinpath(TEMPLATES)
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8")),
        autoescape=True,
        finalize=visible,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(count=count, figure=figure, percent=percent, words=words, cut=_cut, unfold=_unfold)
    css = Markup(folder.joinpath("style.css").read_text(encoding="utf-8"))
    try:
        return environment.get_template(template).render(**values, css=css)
    except jinja2.UndefinedError as error:
        raise ValueError(str(error)) from None
