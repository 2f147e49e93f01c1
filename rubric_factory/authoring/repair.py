"""Repair: a refused draft goes back to the author with the gates' reasons, a bounded number of times (after RubricRefine, 2605.09730)."""

import json
from dataclasses import replace
from functools import cache

from rubric_factory.authoring.desk import Desk, Draft, Sheet
from rubric_factory.authoring.dialogue import Ask, Part
from rubric_factory.authoring.prompting import template
from rubric_factory.records import Rejection

# A refused task is shown whole unless something is very wrong with it.
_SHOWN_CHARACTERS = 20_000


@cache
def _hints() -> dict[str, str]:
    """What to do about a reason, where the name and detail of a gate do not say enough."""
    return dict(line.split(": ", 1) for line in template("hints").splitlines())


def reasons(draft: Draft) -> str:
    """All that was found wrong with a draft, a line each: name, figure, detail, what to do."""
    hints = {"evidence_not_verbatim": _hints()["evidence_verbatim"], **_hints()}
    return "\n".join(f"{fault.reason}: {fault.detail} {hints.get(fault.reason, '')}".rstrip() for fault in draft.faults)


def shown(draft: Draft) -> str:
    """The task as it was written, its criteria numbered from 1."""
    value = draft.written
    if isinstance(value, dict) and isinstance(value.get("criteria"), list):
        numbered = [
            {"number": number, **{key: part for key, part in one.items() if key != "number"}} if isinstance(one, dict) else one
            for number, one in enumerate(value["criteria"], start=1)
        ]
        value = {**value, "criteria": numbered}
    return json.dumps(value, ensure_ascii=False, indent=1)[:_SHOWN_CHARACTERS]


def _mended(desk: Desk, sheet: Sheet, former: Draft, found: list[object] | Rejection) -> Draft:
    """What a repair made of a draft: the former one where it made it no better."""
    former = replace(former, rounds=former.rounds + 1)
    if isinstance(found, Rejection):
        return former
    made = desk.draft(sheet, former.slot, found[0], former)
    draft = replace(made, first_refusal=former.first_refusal, rounds=former.rounds, rubric_by=former.rubric_by)
    return former if draft.task is None and former.task is not None else draft


def repaired(desk: Desk, sheet: Sheet, drafts: list[Draft]) -> Part[list[Draft]]:
    """The drafts after at most repair_rounds rounds, in slot order; a draft that was not refused is not touched."""
    done = [replace(draft, first_refusal=draft.faults[0].reason if draft.faults else "") for draft in drafts]
    stuck: set[int] = set()  # slots whose repair changed nothing: the same request again would have the same answer
    for turn in range(desk.section.repair_rounds):
        refused = [draft for draft in done if draft.faults and draft.slot not in stuck]
        if not refused:
            break
        requests = [
            desk.ask("repair", sheet, f"repair/{draft.slot}/{turn}", task=shown(draft), reasons=reasons(draft)) for draft in refused
        ]
        useful = any(draft.task is not None for draft in done)
        first = refused[0].faults[0]
        completions = yield Ask(tuple(requests), "" if useful else f"{first.reason}: {first.detail}")
        mended = {
            draft.slot: _mended(desk, sheet, draft, desk.listed("repair", completion, sheet))
            for draft, completion in zip(refused, completions, strict=True)
        }
        stuck |= {draft.slot for draft in refused if mended[draft.slot].written is draft.written}
        done = [mended.get(draft.slot, draft) for draft in done]
    return done
