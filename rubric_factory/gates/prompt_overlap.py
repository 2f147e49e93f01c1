"""prompt_overlap: the prompt must not hand the policy a piece of the passage it must never see."""

from collections.abc import Sequence

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.records import Message
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import longest_shared_run, words

# A shorter title ("The") would hide other shared runs once removed: such a prompt must pass with and without it.
_TITLE_WORDS = 3


def without_run(tokens: Sequence[str], run: Sequence[str]) -> list[str]:
    """Tokens without any occurrence of run, left to right."""
    kept: list[str] = []
    position = 0
    while position < len(tokens):
        if run and list(tokens[position : position + len(run)]) == list(run):
            position += len(run)
        else:
            kept.append(tokens[position])
            position += 1
    return kept


def shared_run(prompt: Sequence[Message], passage: str, document_title: str) -> int:
    """Words in the longest run that prompt and passage share, the document's own title removed from the prompt first (dataset contract)."""
    tokens, hidden, title = words("\n".join(m.content for m in prompt)), words(passage), words(document_title)
    run = longest_shared_run(without_run(tokens, title), hidden)
    return run if len(title) >= _TITLE_WORDS else max(run, longest_shared_run(tokens, hidden))


def prompt_overlap(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: words in the longest shared run of prompt and passage."""
    run = shared_run(item.task.prompt, item.passage.text, item.document_title)
    return GateFinding(run <= settings.max_shared_run, run, f"{run} words in a row shared, at most {settings.max_shared_run} allowed")
