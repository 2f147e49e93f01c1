"""One TOML file, composed from one section a room, plus RUBRIC_FACTORY_* variables: frozen and strict."""

from rubric_factory.settings.compose import KEYS, Settings, load_settings, refuse_unknown_variables

__all__ = ["KEYS", "Settings", "load_settings", "refuse_unknown_variables"]
