"""What the configured models need of this environment, looked at before anything is read or paid."""

import importlib.util

from rubric_factory.errors import MissingExtraError
from rubric_factory.settings import Settings
from rubric_factory.settings.judge import single_judges
from rubric_factory.settings.llm import Local

# What the extra [local] brings.
LOCAL = ("torch", "transformers", "llguidance")


def local_models(settings: Settings) -> str:
    """The sections of type "local", comma-separated; "none". Errors: MissingExtraError where the extra is missing."""
    judges = single_judges(settings.judge) if settings.judge is not None else ()
    sections = {"author": [settings.author], "judge": judges, "gates.judge.solver": [settings.gates.judge.solver]}
    named = [name for name, found in sections.items() if any(isinstance(one, Local) for one in found)]
    if absent := [package for package in LOCAL if named and importlib.util.find_spec(package) is None]:
        raise MissingExtraError.of(absent[0], "local")
    return ", ".join(named) or "none"
