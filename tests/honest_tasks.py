"""Hand-written tasks as a careful author writes them, with their passages: what no gate may refuse, and what tests spoil on purpose."""

from dataclasses import replace

from rubric_factory.gates.protocol import GateInput
from rubric_factory.records import Category, Criterion, Evidence, Level, Message, Passage, Rubric, Task

E, I, O, P = Category.ESSENTIAL, Category.IMPORTANT, Category.OPTIONAL, Category.PITFALL  # noqa: E741


def passage_of(text: str, key: str = "d/a.pdf") -> Passage:
    return Passage(Passage.id_of("0" * 64, 0, len(text), text), "0" * 64, key, "p1/0", "", 0, 0, len(text), 1, 1, text)


def criterion(passage: Passage, title, description, category, weight, elements, quotes, levels=("Absent or wrong.", "Stated in full.")):
    evidence = tuple(Evidence(passage.text.index(q), passage.text.index(q) + len(q), q) for q in quotes)
    guide = tuple(Level(i, meaning) for i, meaning in enumerate(levels))
    return Criterion(title, title, description, category, weight, tuple(elements), guide, ("look for the claim",), evidence)


def task_of(passage: Passage, question: str, reference: str, criteria: list[Criterion], slot: int = 0) -> GateInput:
    key = f"{passage.passage_key}/{slot}"
    rubric = Rubric(tuple(replace(c, criterion_key=f"{key}/{n}") for n, c in enumerate(criteria)))
    prompt = (Message("user", question),)
    document = (passage.document_id, passage.document_key)
    task = Task(key, passage.passage_id, *document, prompt, question, "explain", reference, rubric, "model@1", "model")
    return GateInput(task, passage, "Performance of Energy Systems")


def solar_criteria(passage: Passage) -> list[Criterion]:
    return [
        criterion(
            passage,
            "Band gap narrows",
            "Explains that the band gap of silicon narrows as the cell warms.",
            E,
            5,
            ["band gap narrows"],
            ["the band gap narrows with temperature"],
        ),
        criterion(
            passage,
            "Voltage falls",
            "States that the open-circuit voltage falls.",
            E,
            5,
            ["lower voltage"],
            ["which lowers the open-circuit voltage"],
            ("No voltage named.", "A drop without its kind.", "A lower open-circuit voltage."),
        ),
        criterion(
            passage,
            "Size of the loss",
            "Quantifies the loss as roughly 0.45 % per °C.",
            I,
            3,
            ["0.45 %"],
            ["lose about 0.45 percent of their rated power for every degree Celsius"],
        ),
        criterion(
            passage,
            "Current compensates partly",
            "Notes that a slightly higher current does not offset the lower voltage.",
            O,
            2,
            ["current rises"],
            ["The current rises slightly, but not enough to make up for it"],
        ),
        criterion(
            passage,
            "Blames the current",
            "Claims that the power falls because the current falls.",
            P,
            -2,
            [],
            ["The current rises slightly"],
            ("Not claimed.", "Claimed."),
        ),
    ]


def solar() -> GateInput:
    passage = passage_of(
        "Crystalline silicon modules lose about 0.45 percent of their rated power for every degree Celsius above 25 degrees Celsius. "
        "The loss arises because the band gap narrows with temperature, which lowers the open-circuit voltage. The current rises "
        "slightly, but not enough to make up for it. Mounting the modules with an air gap of 10 cm behind them keeps the cells cooler."
    )
    return task_of(
        passage,
        "Why does a crystalline silicon photovoltaic module deliver less electricity on a hot day than its rating suggests, and how large "
        "is this effect?",
        "Warming narrows the band gap of silicon and so reduces the open-circuit voltage of every cell. The current grows a little but "
        "cannot compensate, so that about 0.45 % of rated power is lost per degree Celsius above 25 °C.",
        solar_criteria(passage),
    )


def converter_criteria(passage: Passage) -> list[Criterion]:
    return [
        criterion(
            passage,
            "Surface is blocked",
            "Identifies that adsorbed carbon monoxide blocks the platinum surface.",
            E,
            5,
            ["carbon monoxide", "platinum surface"],
            ["carbon monoxide molecules cover the platinum surface and leave no room for oxygen"],
        ),
        criterion(
            passage,
            "Light-off temperature",
            "Names the light-off temperature of about 250 °C.",
            I,
            4,
            ["250 °C"],
            ["Below about 250 °C, the light-off temperature"],
        ),
        criterion(
            passage,
            "Share of cold start",
            "Concludes that emissions of a short trip come mostly from its first 2 minutes.",
            I,
            3,
            ["first two minutes"],
            ["leave the tailpipe in the first two minutes"],
        ),
        criterion(
            passage,
            "Remedy",
            "Proposes at least 1 of these remedies: electric heating or a hydrocarbon trap.",
            O,
            1,
            ["heater or trap"],
            ["electric heaters, or with traps that hold hydrocarbons until the catalyst is hot"],
        ),
        criterion(
            passage,
            "Confuses oxygen",
            "Confuses the blocking gas with oxygen.",
            P,
            -1,
            [],
            ["leave no room for oxygen"],
            ("Does not confuse them.", "Takes oxygen for the blocking gas."),
        ),
    ]


def converter() -> GateInput:
    passage = passage_of(
        "A three-way catalytic converter does not work when it is cold. Below about 250 °C, the light-off temperature, carbon monoxide "
        "molecules cover the platinum surface and leave no room for oxygen. Most of the hydrocarbons that a car emits on a short trip "
        "therefore leave the tailpipe in the first two minutes. Engineers answer this with electric heaters, or with traps that hold "
        "hydrocarbons until the catalyst is hot.",
        "d/b.pdf",
    )
    return task_of(
        passage,
        "A commuter drives four kilometres in winter with a petrol car. Explain, from surface chemistry, why most of its hydrocarbon "
        "emissions cannot be prevented by the catalytic converter, and propose a remedy.",
        "The converter is still below its light-off temperature of about 250 °C. At such temperatures adsorbed carbon monoxide occupies "
        "the platinum, so oxygen finds no free sites and nothing is oxidised. Since most emissions arise in the first two minutes, the "
        "trip is nearly over before the catalyst is active. Electric heating of the catalyst, or a trap for hydrocarbons, would help.",
        converter_criteria(passage),
    )


def savepoints_criteria(passage: Passage) -> list[Criterion]:
    return [
        criterion(
            passage,
            "Transaction stays open",
            "States that ROLLBACK TO leaves the transaction open.",
            E,
            5,
            ["transaction stays open"],
            ["the ROLLBACK TO command does not cancel the transaction"],
        ),
        criterion(
            passage,
            "Plain ROLLBACK ends it",
            "Contrasts this with plain ROLLBACK, which cancels the transaction.",
            E,
            5,
            ["plain ROLLBACK cancels"],
            ["unlike plain ROLLBACK"],
        ),
        criterion(
            passage,
            "Later savepoints vanish",
            "Mentions that savepoints set in between are cancelled.",
            I,
            3,
            ["intervening savepoints cancelled"],
            ["All intervening savepoints are cancelled"],
        ),
        criterion(
            passage,
            "Restored state",
            "Describes the restored state as that just after the savepoint was set.",
            I,
            3,
            ["state after SAVEPOINT"],
            ["to what it was just after the corresponding SAVEPOINT"],
        ),
    ]


def savepoints() -> GateInput:
    passage = passage_of(
        "The ROLLBACK TO command reverts the state of the database to what it was just after the corresponding SAVEPOINT. Note that unlike "
        "plain ROLLBACK, the ROLLBACK TO command does not cancel the transaction. Instead of cancelling the transaction, it restarts the "
        "transaction at the beginning. All intervening savepoints are cancelled, however.",
        "d/c.html",
    )
    return task_of(
        passage,
        "In SQLite, how do the commands ROLLBACK and ROLLBACK TO differ in what they do to a running transaction and to savepoints "
        "that were set later?",
        "ROLLBACK TO puts the database back into the state right after the named savepoint was created, but keeps the transaction alive, "
        "whereas a plain ROLLBACK ends it. Every savepoint created after the named one disappears.",
        savepoints_criteria(passage),
    )


HONEST = {"solar": solar, "converter": converter, "savepoints": savepoints}
