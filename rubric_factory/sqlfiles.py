"""SQL statements as files: read from the `sql` package, one statement a file, never built from strings."""

from functools import cache
from importlib.resources import files


@cache
def statement(folder: str, name: str) -> str:
    """Text of sql/<folder>/<name>.sql. Errors: FileNotFoundError for a name that does not exist (a bug, not a user error)."""
    return files("sql").joinpath(folder, f"{name}.sql").read_text(encoding="utf-8")


@cache
def names(folder: str) -> tuple[str, ...]:
    """Names of all statements in a folder, sorted."""
    found = (entry.name for entry in files("sql").joinpath(folder).iterdir())
    return tuple(sorted(name.removesuffix(".sql") for name in found if name.endswith(".sql")))
