"""One TOML file, composed from one section a room, plus RUBRIC_FACTORY_* variables: frozen and strict."""

from rubric_factory.settings.compose import Settings, load_settings

__all__ = ["Settings", "load_settings"]
