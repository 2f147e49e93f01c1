"""Every error a person can meet, as one tree with its exit code.

FactoryError (1)            something failed; what was done so far is kept
├── UsageError (2)          the command line or a path is wrong
│   └── ConfigurationError  a configuration file, key or variable is wrong
├── BlockedError (3)        a gate, contract or lock refused; nothing was published
├── MissingExtraError (2)   an optional dependency is not installed
├── SourceError             a source cannot be read at all
├── WorkspaceError          a workspace file is unusable (disk full, lock held, damaged)
├── DatasetError            a published version does not verify
├── LanguageModelError      the language-model backend cannot work at all
│   └── CapReachedError     what may be spent is spent; a re-run with more room continues
└── Interrupted (130)       Ctrl-C; a re-run continues

A message says what was got, what was expected, and what to do: one line, no traceback.
"""


class FactoryError(Exception):
    """Base of all errors meant for a person. Source: docs/adr/0001."""

    exit_code = 1

    def __init__(self, got: str, *, expected: str = "", fix: str = "") -> None:
        self.got, self.expected, self.fix = got, expected, fix
        parts = [got]
        if expected:
            parts.append(f"expected {expected}")
        if fix:
            parts.append(f"fix: {fix}")
        super().__init__("; ".join(parts))


class UsageError(FactoryError):
    """The command line or a path named on it is wrong."""

    exit_code = 2


class ConfigurationError(UsageError):
    """A configuration file, key or environment variable is wrong."""


class MissingExtraError(UsageError):
    """An optional dependency is not installed."""

    @classmethod
    def of(cls, module: str, extra: str) -> "MissingExtraError":
        """Error for an import that failed: module is the package, extra the pip extra that brings it."""
        return cls(
            f"the package {module!r} is not installed",
            expected=f"the extra [{extra}]",
            fix=f"pip install -e '.[{extra}]' in the checkout",
        )


class BlockedError(FactoryError):
    """A gate, contract or lock refused; nothing was published."""

    exit_code = 3


class SourceError(FactoryError):
    """A source cannot be read at all (a single bad document is a Rejection instead)."""


class WorkspaceError(FactoryError):
    """A file of the workspace cannot be read or written."""


class DatasetError(FactoryError):
    """A dataset version is missing, incomplete, or does not verify."""


class LanguageModelError(FactoryError):
    """A language-model backend cannot work at all (a single failed request is a value instead)."""


class CapReachedError(LanguageModelError):
    """A cap on calls, tokens, money or wall time was reached: nothing more is sent, everything is kept."""


class Interrupted(FactoryError):
    """Ctrl-C: what was finished is kept."""

    exit_code = 130
