"""Which deployments a configuration can serve."""

from rubric_factory.settings import Settings


def names(settings: Settings) -> list[str]:
    """Flows by name: without [training] and [judge] there is nothing to train with."""
    trains = settings.training is not None and settings.judge is not None
    return ["rebuild", "train", "evaluate", "audit"] if trains else ["rebuild", "audit"]
