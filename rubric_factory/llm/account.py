"""What one command may still spend: caps of the command and of the workspace, checked before a call is written down or sent.

A call under way counts with the most it may cost: a token for every two characters of the prompt, and all of max_tokens. So a cap on
tokens or money holds whatever comes back, and at most one such call's worth of it stays unused.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil

from rubric_factory.errors import CapReachedError, ConfigurationError
from rubric_factory.ledger import Spent
from rubric_factory.llm.protocol import Completion, Request
from rubric_factory.settings.caps import CapSettings
from rubric_factory.settings.prices import PriceSettings

CHARACTERS_PER_TOKEN = 2


@dataclass(frozen=True, slots=True)
class Amount:
    """Calls, tokens of both kinds, money (0 where no price is known)."""

    calls: int = 0
    tokens: int = 0
    money: float = 0.0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.calls + other.calls, self.tokens + other.tokens, self.money + other.money)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.calls - other.calls, self.tokens - other.tokens, self.money - other.money)


@dataclass
class Account:
    """The account of one command, shared by its stages. stopped: the cap that was reached, '' while there is room."""

    caps: CapSettings = field(default_factory=CapSettings)
    prices: PriceSettings = field(default_factory=PriceSettings)
    clock: Callable[[], float] = time.monotonic
    stopped: str = ""
    settled: Amount = Amount()
    _refused: str = ""
    _reserved: Amount = Amount()
    _under_way: dict[str, Amount] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._started = self.clock()

    def require_price(self, model: str) -> None:
        """Errors: ConfigurationError where money is capped and this model's price unknown."""
        if (self.caps.money is not None or self.caps.workspace.money is not None) and not self.prices.for_model(model).known:
            raise ConfigurationError(
                f"[caps] money is set, and the price of {model!r} is not known",
                expected="prompt_per_million and completion_per_million",
                fix="add [prices], or take the cap away",
            )

    def admit(self, key: str, request: Request, model: str, spent: Callable[[], Sequence[Spent]]) -> bool:
        """Whether this call may be sent now; it is then under way. spent: what the workspace's ledger holds, asked only where capped."""
        if self.stopped:
            return False
        most = self._most(request, model)
        wanted = self._reserved + most
        self._refused = self._over_command(self.settled + wanted, most) or self._over_workspace(wanted, most, spent)
        if self._refused:
            return False
        self._under_way[key] = most
        self._reserved = wanted
        return True

    def stop(self) -> None:
        """What was refused last stays refused: nothing is under way whose end could make room."""
        self.stopped = self._refused

    def settle(self, key: str, completion: Completion | None, model: str) -> None:
        """A call has ended: with what it cost, or None where it was given back unsent."""
        most = self._under_way.pop(key, None)
        if most is None:
            return
        self._reserved = self._reserved - most
        if completion is not None:
            tokens = completion.prompt_tokens + completion.completion_tokens
            price = self.prices.for_model(model)
            money = price.of(completion.prompt_tokens, completion.completion_tokens, completion.cached_tokens or 0)
            self.settled = self.settled + Amount(completion.tries, tokens, money or 0.0)

    def error(self, unsent: int) -> CapReachedError:
        """What a person reads when a cap was reached."""
        return CapReachedError(
            f"{self.stopped}; {unsent} requests were not sent",
            expected="room under [caps]",
            fix="raise the cap, or wait, and run the same command again: every answer is kept and none is paid twice",
        )

    def _most(self, request: Request, model: str) -> Amount:
        prompt = ceil(sum(len(message.content) for message in request.messages) / CHARACTERS_PER_TOKEN)
        money = self.prices.for_model(model).of(prompt, request.max_tokens)
        return Amount(1, prompt + request.max_tokens, money or 0.0)

    def _over_command(self, total: Amount, most: Amount) -> str:
        caps = self.caps
        if caps.hours is not None and self.clock() - self._started >= caps.hours * 3600:
            return f"the cap of {caps.hours:g} hours a command is reached"
        return self._over(total, most, (caps.calls, caps.tokens, caps.money), "a command")

    def _over_workspace(self, wanted: Amount, most: Amount, spent: Callable[[], Sequence[Spent]]) -> str:
        caps = self.caps.workspace
        if caps.calls is None and caps.tokens is None and caps.money is None:
            return ""
        total = wanted
        for row in spent():
            money = self.prices.for_model(row.model).of(row.prompt_tokens, row.completion_tokens)
            total = total + Amount(row.calls, row.prompt_tokens + row.completion_tokens, money or 0.0)
        return self._over(total, most, (caps.calls, caps.tokens, caps.money), "the workspace")

    def _over(self, total: Amount, most: Amount, caps: tuple[int | None, int | None, float | None], whose: str) -> str:
        calls, tokens, money = caps
        spent = total - most
        if calls is not None and total.calls > calls:
            return f"the cap of {calls} calls ({whose}) is reached"
        if tokens is not None and total.tokens > tokens:
            return f"the cap of {tokens} tokens ({whose}) is reached: {spent.tokens} are spent, the next call may take {most.tokens}"
        if money is not None and total.money > money:
            unit = self.prices.currency
            return f"the cap of {money:g} {unit} ({whose}) is reached: {spent.money:.4f} are spent, the next call may cost {most.money:.4f}"
        return ""
