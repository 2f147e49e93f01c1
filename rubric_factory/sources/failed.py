"""Why a request of a remote source came to nothing: one exception inside the fetching modules, a (reason, detail) outside."""


class Failed(Exception):
    """One request that cannot be had. reason: a snake_case word; transient: worth asking again, later or in the next run.

    wait: seconds the server asked for, None if it said nothing. answered: a server of that host said something. tried: retries are
    behind it.
    """

    def __init__(
        self, reason: str, detail: str, *, transient: bool = False, wait: float | None = None, answered: bool = True, tried: bool = False
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail, self.transient, self.wait = reason, detail, transient, wait
        self.answered, self.tried = answered, tried

    @property
    def problem(self) -> tuple[str, str]:
        """As a source's entry carries it."""
        return self.reason, self.detail
