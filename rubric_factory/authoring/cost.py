"""What a passage takes of a language-model author: the requests of one conversation in which every task is written and none refused."""

from rubric_factory.authoring.prompting import Step, request, steps_of
from rubric_factory.llm.protocol import Request
from rubric_factory.records import Passage
from rubric_factory.settings.author import LanguageModelAuthor, writers_of

# Steps that one call takes for all tasks of a passage; of the others there is one a task. Repair and work lists come on top.
_ONCE = frozenset({"tasks", "questions"})
_ON_TOP = frozenset({"repair", "focus"})
# Stand-ins, in characters: what other replies put into a prompt.
_QUESTION, _ANSWER = "q" * 250, "a" * 700
_VISIBLE_WORD = "words "


def passage_requests(passage: Passage, section: LanguageModelAuthor, seed: int, *, visible_words: int = 900) -> list[Request]:
    """All requests about a passage, as many tasks as the settings ask for; what earlier replies would hold is stand-in text.

    visible_words: as in [passages], for mode withheld_section.
    """
    values = {"question": _QUESTION, "reference": _ANSWER, "brief": _ANSWER, "closed": _ANSWER, "visible": _VISIBLE_WORD * visible_words}
    alone = section.model_copy(update={"merge": None})
    steps: list[Step] = [step for step in dict.fromkeys(steps_of(alone)) if step not in _ON_TOP]
    slots = section.writing.tasks_per_passage
    own = [
        request(step, section, seed, passage, part=f"{step}/{slot}", **values)
        for step in steps
        for slot in range(1 if step in _ONCE else slots)
    ]
    return own + [
        request("rubric", section.model_copy(update={"sampling": co.sampling}), seed, passage, part=f"rubric/{slot}/{number}", **values)
        for number, co in enumerate(writers_of(section)[1:], start=1)
        for slot in range(slots)
    ]
