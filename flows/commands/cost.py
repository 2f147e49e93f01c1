"""`cost`: what models have cost; `forecast`: what the work that is left will take. Neither sends anything or locks the workspace."""

from typing import Any

from flows.commands.common import Invocation, command

Row = dict[str, Any]


def _money(value: float | None, currency: str) -> str:
    return "unknown price" if value is None else f"{value:.4f} {currency}"


def _line(name: str, row: Row, currency: str) -> str:
    tokens = f"{row['prompt_tokens']} prompt ({row['uncached_tokens']} uncached) and {row['completion_tokens']} completion tokens"
    return f"  {name:<18} {row['calls']:>7} calls  {tokens}  {row['seconds']:.0f} s  {_money(row['money'], currency)}"


@command("cost")
def cost_command(invocation: Invocation) -> None:
    """Show what models have cost, by stage, by gate and per published task.

    From the ledgers of the workspace and of its training runs, at the prices of [prices]. Uncached prompt tokens are what a server had to
    compute anew: as it told, else the part of each prompt that the prompt before it did not have; which of both is said.
    """
    from flows.spending import spending
    from rubric_factory.text import printable

    settings = invocation.settings()
    row = spending(settings, invocation.place())
    currency = row["currency"]
    for stage in row["stages"]:
        invocation.say(_line(stage["stage"], stage, currency))
    for gate in row["gates"]:
        invocation.say(printable(f"    of judge-gate, {gate['kind']} answers for {', '.join(gate['gates'])}: {gate['calls']} calls, ", 300))
        each = "".join(f", {value:g} {name.replace('_', ' ')}" for name, value in gate["per_accepted"].items() if name != "money")
        invocation.say(f"      {_money(gate['money'], currency)}" + (f"; per accepted task{each[1:]}" if each else ""))
    if row["without_answer"]:
        invocation.say(_line("failed or archived", row["without_answer"], currency))
    invocation.say(_line("all", row["total"], currency))
    for model in row["models"]:
        invocation.say(printable(f"  {model['model']}: {model['calls']} calls, {_money(model['money'], currency)}", 300))
    if row["published_tasks"]:
        each = ", ".join(f"{stage} {value:.4f}" for stage, value in row["money_per_published_task_by_stage"].items())
        shown = _money(row["money_per_published_task"], currency)
        invocation.say(f"per published task ({row['published_tasks']}): {shown}" + (f" ({each})" if each else ""))
    for name, unit in (
        ("uncached_prompt_tokens_per_task", "task written"),
        ("uncached_prompt_tokens_per_judged_response", "judged response"),
    ):
        if row[name] is not None:
            invocation.say(f"uncached prompt tokens per {unit}: {row[name]} ({row['uncached_basis']})")
    invocation.result(row)


def _figure(name: str, value: Row | None) -> str:
    if value is None:
        return f"    {name:<18} unknown"
    return f"    {name:<18} {value['expected']}  (90 %: {value['low']} to {value['high']})"


@command("forecast")
def forecast_command(invocation: Invocation) -> None:
    """Show calls, tokens, hours and money of the work that is left, from a measured sample.

    The sample is what passages and tasks took so far of the configured model at its revision; without one it says how to make it. Needs
    the exported tables of the workspace; for a rebuild from documents see `rebuild --dry-run`.
    """
    from flows.forecast import forecast

    context = invocation.context()
    rows, currency = forecast(context), context.settings.prices.currency
    for row in rows:
        left = f"{row['left']} {row['unit']} left; " if "unit" in row else ""
        invocation.say(f"{row['stage']}: {left}{row['basis']}")
        if row.get("answered_before"):
            invocation.say(f"    {row['answered_before']} of them have answers in the ledger already and are not counted below")
        for name in ("calls", "prompt_tokens", "uncached_tokens", "completion_tokens", "hours", "money"):
            if name in row:
                invocation.say(_figure(f"money ({currency})" if name == "money" else name.replace("_", " "), row[name]))
        for name in ("uncached_prompt_tokens_per_task", "uncached_prompt_tokens_per_judged_response"):
            if name in row:
                invocation.say(f"    {name.replace('_', ' ')}: {row[name]}")
    invocation.result({"currency": currency, "stages": rows})
