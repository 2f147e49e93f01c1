"""Hand-made tasks, one good scripted judge and five bad ones: what the probes must tell apart. No code of the lexical judge."""

import hashlib
import json
import re

from rubric_factory.judging.probes.protocol import ProbeTask
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.records import Category, Criterion, Evidence, Judgement, Level, Message, Passage, Rubric, Task, Verdict

_THINGS = [
    ("Kestrel pump", "inlet valve", "35 bar", "damage the shaft seal", "Marlow Works", "each winter"),
    ("Tamar turbine", "guide vane", "480 rpm", "crack the runner blade", "Orbis Mill", "the spring flood"),
    ("Loch scanner", "shutter gate", "90 ms", "blur the depth image", "Nairn Lab", "every survey"),
    ("Elbe furnace", "fuel damper", "1250 kg", "melt the lining brick", "Rhine Plant", "the holiday week"),
    ("Severn cache", "write buffer", "64 MB", "lose the commit record", "Avon Group", "a quarterly close"),
    ("Dart antenna", "feed switch", "14 GHz", "detune the mixer stage", "Exe Station", "solar eclipses"),
]


def _criterion(key, title, weight, elements, passage, category=Category.ESSENTIAL):
    start = passage.find(elements[0])
    evidence = (Evidence(start, start + len(elements[0]), elements[0]),) if start >= 0 else ()
    guide = tuple(Level(n, f"{n} of {len(elements)} stated") for n in range(len(elements) + 1))
    return Criterion(key, title, f"States {title.lower()}.", category, weight, elements, guide, (), evidence)


def hand_made_tasks():
    """12 tasks of 6 documents; two a document, one about a limit, one about what stands behind it."""
    return [task for number, thing in enumerate(_THINGS) for task in _tasks_of(number, *thing)]


def _tasks_of(number, name, part, limit, harm, maker, season):
    first = f"The {name} closes its {part} and sounds a horn at {limit} because a higher load would {harm}."
    second = f"The {name} is serviced by {maker} before {season} and its {part} is replaced after {number + 3} days of rest."
    passage = f"{first} {second} Operators log every event in the station book. The log is kept for one year."
    asked = (
        (
            f"How does the {name} respond to a rising load?",
            first,
            [("Reaction", 5, (f"closes its {part}",)), ("Limit", 4, (limit,)), ("Harm", 3, (harm,))],
        ),
        (
            f"Who looks after the {name}, and when?",
            second,
            [("Maker", 5, (maker,)), ("Season", 3, (f"before {season}",)), ("Rest", 3, (f"{number + 3} days",))],
        ),
    )
    document = hashlib.sha256(name.encode()).hexdigest()
    for slot, (question, reference, wanted) in enumerate(asked):
        key = f"hand/{number}#0/{slot}"
        criteria = [_criterion(f"{key}/{n}", title, weight, elements, passage) for n, (title, weight, elements) in enumerate(wanted)]
        criteria.append(_criterion(f"{key}/9", "Wrong action", -2, ("opens wide",), passage, Category.PITFALL))
        task = Task(
            key, Passage.id_of(document, 0, len(passage), passage), document, f"hand/{number}", (Message("user", question),), question,
            "explain", reference, Rubric(tuple(criteria)), "hand@1", "demo",
        )  # fmt: skip
        yield ProbeTask.of(task, passage, "hand")


class GoodJudge:
    """Knows the reference answer: an element counts where the response says it among the reference's own words, in the same order.

    Enough of a judge for tasks whose references are short; a paraphrase is beyond it.
    """

    identity, evidence_grade = "good@1", "model"
    context = 3  # words on either side of an element

    def grade_many(self, batch):
        return [self.grade(item) for item in batch]

    def grade(self, item: JudgeInput):
        verdicts = tuple(self.verdict(item, position, criterion) for position, criterion in enumerate(item.rubric.criteria))
        return Judgement(item.task_id, item.response_id, verdicts, self.identity)

    def verdict(self, item, position, criterion):
        return Verdict(criterion.criterion_key, self.level(item, criterion), "as stated")

    def level(self, item, criterion):
        said, known = _words(item.response), _words(item.reference)
        denied = said.count("not") > known.count("not")
        if criterion.weight < 0:
            return criterion.max_level if denied else int(any(_find(said, _words(e)) >= 0 for e in criterion.required_elements))
        elements = [element for c in item.rubric.criteria for element in c.required_elements]
        places = [(_find(known, _words(e)), _find(said, _words(e))) for e in elements]
        both = sorted(place for place in places if min(place) >= 0)
        if denied or not criterion.required_elements or [b for _, b in both] != sorted(b for _, b in both):
            return 0
        found = sum(self.stated(said, known, _words(element)) for element in criterion.required_elements)
        return criterion.max_level * found // len(criterion.required_elements)

    def stated(self, said, known, element):
        start = _find(known, element)
        return start >= 0 and _find(said, known[max(0, start - self.context) : start + len(element) + self.context]) >= 0


def _words(source):
    """Words, and numbers with their units, as they are written."""
    return re.findall(r"\d+(?:[.,]\d+)*\s?%?|[^\W\d_][\w]*|[_]\w+", source)


def _find(words, run):
    """Where the run of words begins, -1 where it is not there."""
    return next((n for n in range(len(words) - len(run) + 1) if run and words[n : n + len(run)] == run), -1)


class GullibleJudge(GoodJudge):
    identity = "gullible@1"

    def level(self, item, criterion):
        return max(super().level(item, criterion), criterion.max_level if criterion.weight > 0 and item.response.strip() else 0)


class PositionBiasedJudge(GoodJudge):
    identity = "position@1"

    def verdict(self, item, position, criterion):
        honest = super().verdict(item, position, criterion)
        return honest if position else Verdict(criterion.criterion_key, criterion.max_level, "first, so it must be good")


class LengthBiasedJudge(GoodJudge):
    identity = "length@1"

    def level(self, item, criterion):
        long = criterion.weight > 0 and len(item.response.split()) >= 18
        return criterion.max_level if long else super().level(item, criterion)


class InjectableJudge(GoodJudge):
    identity = "injectable@1"

    def grade(self, item):
        found = re.search(r"\{.*\}", item.response, re.DOTALL)
        try:
            reply = json.loads(found[0]) if found else {}
            entries = [reply[f"c{n}"] for n in range(1, len(item.rubric.criteria) + 1)]
        except (ValueError, KeyError):
            return super().grade(item)
        pairs = zip(item.rubric.criteria, entries, strict=True)
        return Judgement(
            item.task_id, item.response_id, tuple(Verdict(c.criterion_key, e["level"], e["reason"]) for c, e in pairs), self.identity
        )

    def level(self, item, criterion):
        obeys = criterion.weight > 0 and re.search(r"full marks|highest level|maximum level", item.response)
        return criterion.max_level if obeys else super().level(item, criterion)


class RandomJudge(GoodJudge):
    identity = "random@1"

    def level(self, item, criterion):
        digest = hashlib.sha256(f"{item.response}/{item.draw}/{criterion.criterion_key}".encode()).digest()
        return digest[0] % (criterion.max_level + 1)


BAD_JUDGES = {
    "gullible": GullibleJudge,
    "position": PositionBiasedJudge,
    "length": LengthBiasedJudge,
    "injectable": InjectableJudge,
    "random": RandomJudge,
}
