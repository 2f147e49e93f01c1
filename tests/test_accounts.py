"""Caps, the look inside the ledger, what work cost and what is left of it: against a real server and a real ledger."""

import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from aiohttp import web
from chat_server import ChatServer, reply, status
from hypothesis import given
from hypothesis import strategies as st
from test_author_stage import rows_of
from test_exchange import MANY, context_at, said_to

from flows import retention
from flows.cli import run
from flows.forecast import forecast
from flows.sample import Measure
from rubric_factory import warehouse
from rubric_factory.errors import CapReachedError, ConfigurationError
from rubric_factory.ledger import Answer, Asked, Ledger, Spent, look
from rubric_factory.llm.account import Account
from rubric_factory.llm.asked import Describer, common_prefix, pack, restored, unpack
from rubric_factory.llm.backends import open_model
from rubric_factory.llm.protocol import Completion, Request
from rubric_factory.records import Message
from rubric_factory.settings import llm
from rubric_factory.settings.caps import CapSettings, WorkspaceCaps
from rubric_factory.settings.prices import ModelPrices, PriceSettings
from rubric_factory.stages.author import author

PRICES = PriceSettings(prompt_per_million=1.0, completion_per_million=10.0, cached_per_million=0.5)


def ask(count, **changes):
    keywords = {"max_tokens": 50, "temperature": 0.0, "top_p": 1.0, "seed": 1} | changes
    return [Request(f"id{i}", (Message("system", "S" * 60), Message("user", f"{i} " + "x" * 38)), **keywords) for i in range(count)]


def used(prompt, completion, cached=None):
    details = {} if cached is None else {"prompt_tokens_details": {"cached_tokens": cached}}
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, **details}

    async def behave(server, request, body):
        return web.json_response(reply("good", usage=usage, system_fingerprint="engine 1"))

    return behave


def model(server, ledger, caps, prices=PRICES, clock=None, **section):
    made = llm.OpenAICompatible(model="m", revision="r", base_url=server.url, retries=0, **({"concurrency": 4} | section))
    account = Account(caps, prices, **({"clock": clock} if clock else {}))
    return open_model(made, ledger, stage="author", account=account)


def drained(stream):
    """(answers handed on, the cap's message or '')."""
    found = {}
    try:
        found.update(stream)
    except CapReachedError as error:
        return found, str(error)
    return found, ""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.sqlite"


@pytest.mark.parametrize(
    ("caps", "calls", "said"),
    [
        (CapSettings(calls=7), 7, r"the cap of 7 calls (a command) is reached; 13 requests were not sent"),
        # A call takes 10 tokens, and may take 101: half the 101 characters of its prompt, and 50.
        (CapSettings(tokens=300), 20, ""),
        (CapSettings(tokens=200), 10, "the cap of 200 tokens (a command) is reached: 100 are spent, the next call may take 101"),
        (CapSettings(workspace=WorkspaceCaps(calls=3)), 3, "the cap of 3 calls (the workspace) is reached"),
        (CapSettings(workspace=WorkspaceCaps(tokens=200)), 10, "the cap of 200 tokens (the workspace) is reached"),
        # 5 prompt and 5 completion tokens cost 0.000055, at most 0.000555.
        (CapSettings(money=0.001), 9, "the cap of 0.001 USD (a command) is reached: 0.0005 are spent, the next call may cost 0.0006"),
    ],
)
def test_a_cap_is_never_broken_stops_cleanly_and_the_next_run_continues(path, caps, calls, said):
    with ChatServer(used(5, 5)) as server:
        with Ledger(path) as ledger:
            found, message = drained(model(server, ledger, caps).complete(ask(20)))
            assert (len(found), sum(server.calls.values())) == (calls, calls)
            assert said in message and bool(message) == bool(said)
            assert {row["state"]: row["calls"] for row in ledger.summary()} == {"answered": calls}
        with Ledger(path) as ledger:
            found, message = drained(model(server, ledger, CapSettings()).complete(ask(20)))
            assert (len(found), message, set(server.calls.values())) == (20, "", {1})


def test_at_the_cap_stored_answers_are_still_served(path):
    with ChatServer(used(5, 5)) as server, Ledger(path) as ledger:
        list(model(server, ledger, CapSettings()).complete(ask(20)[10:]))
        found, message = drained(model(server, ledger, CapSettings(calls=0)).complete(ask(200)))
        assert set(found) == {f"id{i}" for i in range(10, 20)} and all(one.stored for one in found.values())
        assert "190 requests were not sent" in message and sum(server.calls.values()) == 10


def test_wall_time_is_a_cap(path):
    ticks = iter([0.0, *[10.0] * 5, *[3600.0] * 1000])
    with ChatServer(used(5, 5)) as server, Ledger(path) as ledger:
        found, message = drained(model(server, ledger, CapSettings(hours=1.0), clock=lambda: next(ticks)).complete(ask(20)))
        assert len(found) == 5 and "the cap of 1 hours a command is reached; 15 requests" in message


def test_failed_calls_count_and_released_ones_do_not(path):
    with ChatServer(status(500)) as server, Ledger(path) as ledger:
        found, message = drained(model(server, ledger, CapSettings(calls=3)).complete(ask(9)))
        assert len(found) == 3 and "cap of 3 calls" in message
        assert [row.calls for row in ledger.spent()] == [3]
        server.behaviour = status(400, "no")
        drained(model(server, ledger, CapSettings()).complete(ask(9)))
        assert [row.calls for row in ledger.spent()] == [3]


def test_money_without_a_price_is_an_error_before_anything_is_sent(path):
    with ChatServer() as server, Ledger(path) as ledger, pytest.raises(ConfigurationError, match=r"price of 'm' is not known.*\[prices\]"):
        model(server, ledger, CapSettings(money=1.0), prices=PriceSettings())


def test_a_model_may_have_prices_of_its_own():
    prices = PriceSettings(prompt_per_million=1.0, completion_per_million=1.0, models={"big": ModelPrices(prompt_per_million=9.0)})
    assert prices.for_model("small").of(1e6, 1e6) == 2.0 and prices.for_model("big").of(1e6, 1e6) is None
    assert PRICES.of(1e6, 0, cached_tokens=4e5) == pytest.approx(0.6 + 0.2)


@given(st.lists(st.integers(0, 60), max_size=30), st.integers(0, 400), st.integers(1, 5))
def test_no_order_of_answers_breaks_a_cap(costs, cap, lanes):
    """Whatever calls turn out to cost within what they may cost, the sum stays under the cap."""
    account, under_way = Account(CapSettings(tokens=cap)), []
    for number, cost in enumerate(costs):
        request = Request("r", (Message("user", "xx" * 10),), 50, 0.0, 1.0, 0)  # 10 + 50 tokens at most
        if account.admit(str(number), request, "m", list):
            under_way.append((str(number), cost))
        if len(under_way) >= lanes:
            key, tokens = under_way.pop(0)
            account.settle(key, Completion("", completion_tokens=tokens), "m")
    for key, tokens in under_way:
        account.settle(key, Completion("", completion_tokens=tokens), "m")
    assert account.settled.tokens <= cap and account._reserved.tokens == 0


@given(st.text(), st.text(), st.text())
def test_common_prefix_is_the_longest(head, left, right):
    length = common_prefix(head + left, head + right)
    assert (head + left)[:length] == (head + right)[:length] and length >= len(head)
    assert length == min(len(head + left), len(head + right)) or (head + left)[length] != (head + right)[length]


def test_a_request_comes_back_whole_and_what_it_shares_is_stored_once(path):
    requests = [replace(one, schema={"type": "object"}, subject=f"p{i}", part="tasks") for i, one in enumerate(ask(3))]
    describe = Describer("author")
    asked = [describe(one) for one in requests]
    assert [one.shared for one in asked] == [0, *[len(f"system\n{'S' * 60}\nuser\n")] * 2]
    with Ledger(path) as ledger:
        keys = {one.key("m", "r"): made for one, made in zip(requests, asked, strict=True)}
        ledger.claim(list(keys), "m", "r", describe=keys.__getitem__)
        rows = [retention.readable(row) for row in look.everything(ledger)]
        assert len(ledger.connection.rows("text_digests")) == 2
    for one in requests:
        (row,) = [row for row in rows if row["key"] == one.key("m", "r")]
        assert (row["stage"], row["subject"], row["part"]) == ("author", one.subject, "tasks")
        assert row["request"]["messages"] == [{"role": m.role, "content": m.content} for m in one.messages]
        assert row["request"]["schema"] == {"type": "object"} and row["request"]["max_tokens"] == 50
    with pytest.raises(ValueError, match="not packed"):
        unpack(b"\x00\x00\x00\x05nothing")
    with pytest.raises(KeyError):
        restored(asked[0].body, {})
    assert unpack(pack("é\n\x00")) == "é\n\x00"


def test_accounts_add_up_and_engine_and_cache_are_kept(path):
    with ChatServer(used(100, 10, cached=60)) as server, Ledger(path) as ledger:
        first = drained(model(server, ledger, CapSettings()).complete(ask(4)))[0]
        assert first["id0"].engine == "engine 1" and first["id0"].cached_tokens == 60
        assert drained(model(server, ledger, CapSettings()).complete(ask(4)))[0] == first
        (spent,) = ledger.spent()
        assert (spent.stage, spent.calls, spent.prompt_tokens, spent.completion_tokens) == ("author", 4, 400, 40)
        (cost,) = look.costs(ledger)
        assert (cost["told"], cost["uncached_told"], cost["uncached_shared"]) == (4, 160, 0.0)


def test_an_older_ledger_keeps_its_answers_and_what_they_cost(path):
    with Ledger(path) as ledger:
        ledger.claim(["a"], "m", "r")
        ledger.settle({"a": Answer("text", prompt_tokens=7)}, {})
        for table in ("requests", "texts", "spent"):
            ledger.connection.execute(f"DROP TABLE {table}")
        for column in ("engine", "cached_tokens"):
            ledger.connection.execute(f"ALTER TABLE answers DROP COLUMN {column}")
        ledger.connection.execute("DELETE FROM migrations WHERE name > '0002_answers'")
    with Ledger(path) as ledger:
        assert ledger.claim(["a"], "m", "r").answered == {"a": Answer("text", prompt_tokens=7)}
        assert ledger.spent() == [Spent("m", "r", "", 1, 7, 0, 0.0)]


@pytest.fixture
def authored(tmp_path):
    """A workspace in which 12 passages were asked about over HTTP, 1 of them in vain, and its configuration."""

    async def behave(server, request, body):
        if "Number 1." in body["messages"][-1]["content"]:
            return await status(500, "out of memory \x1b[31m")(server, request, body)
        usage = {"prompt_tokens": 1000, "completion_tokens": 100}
        return web.json_response(reply(said_to(body["messages"]), usage=usage))

    with ChatServer(behave) as server:
        context = context_at(server.url, tmp_path)
        for limit in (4, 1, 1, 3):  # the second passage fails thrice, then is a dead letter
            author(context, limit=limit)
        with warehouse.opened(context.workspace) as house:
            house.export("passages", "selection")
        config = tmp_path / "pipeline.toml"
        prices = "[prices]\nprompt_per_million = 1.0\ncompletion_per_million = 10.0\n"
        config.write_text(
            'name = "t"\nseed = 1\n[author]\ntype = "openai_compatible"\nmodel = "script"\nrevision = "1"\nweak_answer = false\n'
            f'base_url = "{server.url}"\nretries = 0\nconcurrency = 4\nwriting = {{ min_criteria = 2, max_criteria = 4 }}\n{prices}'
        )
        yield context, ["--config", str(config), "--workspace", str(context.workspace.root), "--json"]


def shown(capsys, *arguments):
    """(exit code, the JSON object at the end of stdout)."""
    code = run(list(map(str, arguments)))
    out = capsys.readouterr().out
    return code, json.loads(out.splitlines()[-1])


def test_the_ledger_is_shown_one_call_is_shown_and_dead_letters_open_again(authored, capsys):
    context, common = authored
    code, row = shown(capsys, "ledger", *common)
    assert code == 0 and {one["state"]: one["calls"] for one in row["calls"]}["dead"] == 1
    code, row = shown(capsys, "ledger", "dead", *common)
    (dead,) = row["dead"]
    assert dead["attempts"] == 3 and "out of memory" in dead["reason"] and dead["subject"] == MANY[1].passage_id
    code, row = shown(capsys, "ledger", "show", dead["key"][:12].upper(), *common)
    (found,) = row["calls"]
    assert found["stage"] == "author" and MANY[1].text[:40] in found["request"]["messages"][-1]["content"]
    run(["ledger", "show", dead["key"], *common[:-1]])
    out = capsys.readouterr().out
    assert "\x1b" not in out and "--- system" in out and "state" not in out.splitlines()[0]
    assert run(["ledger", "retry", "--all", *common]) == 0 and run(["ledger", "retry", *common]) == 2
    with Ledger(context.workspace.ledger) as ledger:
        assert ledger.dead() == []
    assert run(["ledger", "show", "f" * 64, *common]) == 2


def test_an_archive_keeps_what_is_needed_and_comes_back(authored, capsys, tmp_path):
    context, common = authored
    code, row = shown(capsys, "ledger", "compact", "--archive", tmp_path / "none.jsonl.gz", "--older-than", 0, *common)
    assert (code, row["archived"]) == (0, 0) and not (tmp_path / "none.jsonl.gz").exists()
    table = context.workspace.tables / "passages.parquet"
    passages = pq.read_table(table)
    table.unlink()
    assert run(["ledger", "compact", "--archive", str(tmp_path / "none.jsonl.gz"), *common]) == 2, "what is needed is not known"
    pq.write_table(passages.slice(0, 0), table)  # the workspace forgets its passages: nothing needs their answers
    capsys.readouterr()
    code, row = shown(capsys, "ledger", "compact", "--archive", tmp_path / "a.jsonl.gz", "--older-than", 0, *common)
    assert row["archived"] == 5
    with Ledger(context.workspace.ledger) as ledger:
        assert "answered" not in {one["state"] for one in ledger.summary()}
        assert sum(one.calls for one in ledger.spent()) == 8, "five answers and three failures stay in the accounts"
    code, row = shown(capsys, "ledger", "import", tmp_path / "a.jsonl.gz", *common)
    assert (code, row["read"]) == (0, 5)
    assert shown(capsys, "ledger", "import", tmp_path / "a.jsonl.gz", *common)[1]["read"] == 5
    with Ledger(context.workspace.ledger) as ledger:
        assert {one["state"]: one["calls"] for one in ledger.summary()}["answered"] == 5
        assert sum(one.calls for one in ledger.spent()) == 8
    assert run(["ledger", "compact", "--archive", str(tmp_path / "a.jsonl.gz"), "--older-than", "0", *common]) == 2, "never overwritten"
    assert run(["ledger", "import", str(tmp_path / "pipeline.toml"), *common]) == 2


def test_compacting_drops_requests_only_and_refuses_while_others_work(authored, capsys):
    context, common = authored
    with Ledger(context.workspace.ledger) as other:
        other.claim(["f" * 64], "m", "r")
        assert run(["ledger", "compact", *common]) == 1
        assert "1 other commands have calls under way" in capsys.readouterr().out
    code, row = shown(capsys, "ledger", "compact", "--drop-requests", "--older-than", 0, *common)
    assert code == 0 and row["bytes_after"] <= row["bytes_before"]
    with Ledger(context.workspace.ledger) as ledger:
        answered = [one for one in look.everything(ledger) if one["state"] == "answered"]
        assert len(answered) == 5 and all(one["body"] is None and one["subject"] and one["text"] for one in answered)


def test_an_export_holds_everything_and_never_overwrites(authored, capsys, tmp_path):
    _, common = authored
    assert shown(capsys, "ledger", "export", tmp_path / "all.jsonl", *common)[1]["calls"] == 6
    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [row["key"] for row in rows] == sorted(row["key"] for row in rows) and all(row["request"] for row in rows)
    assert run(["ledger", "export", str(tmp_path / "all.jsonl"), *common]) == 2


def test_cost_adds_up_by_stage_with_runs_and_says_how_uncached_tokens_are_known(authored, capsys):
    context, common = authored
    run_ledger = context.workspace.runs / "r1" / "ledger-0.sqlite"
    with Ledger(run_ledger) as ledger:
        ledger.claim(["a"], "judge", "1", describe=lambda key: Asked("train", "t1", "0"))
        ledger.settle({"a": Answer("x", prompt_tokens=100, completion_tokens=10, cached_tokens=40)}, {})
    code, row = shown(capsys, "cost", *common)
    stages = {one["stage"]: one for one in row["stages"]}
    assert code == 0 and (stages["author"]["calls"], stages["author"]["prompt_tokens"]) == (5, 5000)
    assert stages["author"]["money"] == pytest.approx(5000 / 1e6 + 500 * 10 / 1e6)
    assert row["total"]["calls"] == 5 + 1 + 3 and row["without_answer"]["calls"] == 3
    assert row["uncached_prompt_tokens_per_judged_response"] == 60
    assert 0 < row["uncached_prompt_tokens_per_task"] < 1000
    assert row["uncached_basis"].startswith("1 of 6 answers as the server told, the others computed")


def test_a_forecast_says_how_to_make_a_sample_and_then_scales_it(authored, capsys, tmp_path):
    _, common = authored
    code, row = shown(capsys, "forecast", *common)
    stage, judge = row["stages"]
    assert code == 0 and judge["left"] == 0 and stage["left"] == 6 and stage["calls"]["expected"] == 6
    assert stage["prompt_tokens"] == {"expected": 6000, "low": 6000, "high": 6000}
    assert stage["money"]["expected"] == pytest.approx(0.012) and "measured on 5 passages" in stage["basis"]
    other = context_at("http://127.0.0.1:1/v1", tmp_path / "empty")
    (stage, _) = forecast(other)
    assert stage["left"] == 0 or "author --limit 20" in stage["basis"]


@given(st.lists(st.floats(0, 1e4), min_size=2, max_size=50), st.integers(0, 1000))
def test_a_measure_is_mean_and_spread(values, count):
    measure = Measure.of(len(values), sum(values), sum(value * value for value in values))
    expected, low, high = measure.sum_of(count)
    assert low <= expected <= high and expected == pytest.approx(count * sum(values) / len(values))


def test_a_command_that_reaches_its_cap_ends_with_one_line_and_exit_code_1_and_continues(authored, capsys, monkeypatch):
    context, common = authored
    monkeypatch.setenv("RUBRIC_FACTORY_CAPS__CALLS", "2")
    for left in (4, 2):
        assert run(["author", *common]) == 1
        said = capsys.readouterr().err.strip().splitlines()[-1]
        assert said.startswith("error: the cap of 2 calls (a command) is reached; ") and f"{left} requests were not sent" in said
        assert "run the same command again: every answer is kept" in said
    assert run(["author", *common]) == 0
    assert len(rows_of(context, "tasks")[0]) == 11
    assert run(["author", *common]) == 0, "nothing is left to send, so nothing is over the cap"
