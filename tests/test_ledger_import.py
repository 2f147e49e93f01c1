"""`ledger import` trusts no file: a row that no ledger wrote is refused by its line, and what is shown of one is safe for a terminal."""

import json

import pytest

from flows import retention
from flows.cli import run
from rubric_factory.errors import UsageError, WorkspaceError
from rubric_factory.ledger import Ledger, look

ROW = {
    **dict.fromkeys(("revision", "stage", "subject", "part", "failure", "detail", "endpoint", "served_model", "engine", "reason"), ""),
    **dict.fromkeys(("attempts", "prompt_tokens", "completion_tokens", "seconds", "answered_at"), 0),
    **dict.fromkeys(("cached_tokens", "characters", "shared", "request")),
    **{"key": "a" * 64, "model": "m", "state": "answered", "sent": 1, "text": "yes"},
}


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def keyed(count):
    return [{**ROW, "key": f"{number:064x}"} for number in range(count)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("key", "A" * 64),
        ("key", "a" * 63),
        ("key", "a" * 64 + "\n"),
        ("key", ["a"]),
        ("text", 7),
        ("text", "\ud800"),
        ("model", None),
        ("subject", {}),
        ("failure", "\x1b]0;mine\x07"),
        ("failure", "no such"),
        ("prompt_tokens", -1),
        ("prompt_tokens", 2**70),
        ("completion_tokens", True),
        ("completion_tokens", None),
        ("cached_tokens", "3"),
        ("characters", 1.5),
        ("seconds", float("nan")),
        ("answered_at", 1e300),
        ("answered_at", "now"),
    ],
)
def test_a_row_that_no_ledger_wrote_is_refused_by_its_line(tmp_path, column, value):
    path = lines(tmp_path / "bad.jsonl", [ROW, {**ROW, "key": "b" * 64, column: value}])
    with pytest.raises(UsageError, match=r"line 2 of .* is no call of a ledger") as caught:
        list(retention.read_calls(path))
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("column", sorted(set(ROW) - {"reason", "request"}))
def test_no_column_may_be_missing(tmp_path, column):
    path = lines(tmp_path / "bad.jsonl", [{name: value for name, value in ROW.items() if name != column}])
    with pytest.raises(UsageError, match="line 1 of"):
        list(retention.read_calls(path))


@pytest.mark.parametrize("content", [b"[" * 100_000, b"[1]\n", b"\xff\n", b"null\n"])
def test_what_is_no_row_is_refused(tmp_path, content):
    (tmp_path / "bad.jsonl").write_bytes(content)
    with pytest.raises(UsageError, match="line 1 of"):
        list(retention.read_calls(tmp_path / "bad.jsonl"))


def test_a_damaged_archive_is_refused(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    retention.write_calls(keyed(200), path)
    whole = path.read_bytes()
    for at in range(10, len(whole), 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
        with pytest.raises(UsageError):
            list(retention.read_calls(path))


def test_rows_come_in_by_the_page_and_a_bad_one_loses_none_before_its_page(tmp_path):
    rows = keyed(look.PAGE + 2)
    path = lines(tmp_path / "a.jsonl", [*rows, {**ROW, "failure": "no such"}])
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        with pytest.raises(UsageError, match=f"line {look.PAGE + 3} of"):
            look.restore(ledger, retention.read_calls(path))
        assert sum(one["calls"] for one in ledger.summary()) == look.PAGE
        twice = [*rows, {**rows[-1], "text": "another"}]
        assert look.restore(ledger, retention.read_calls(lines(path, twice))) == look.PAGE + 3
        (found,) = look.found(ledger, rows[-1]["key"], 2)
        assert found["text"] == "yes" and found["state"] == "answered", "the first answer stays"


def test_a_row_that_does_not_fit_is_no_damage(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger, pytest.raises(WorkspaceError) as caught:
        look.restore(ledger, [{**ROW, "text": None}])
    assert "refuses a row" in str(caught.value) and "damaged" not in str(caught.value) and "pay" not in str(caught.value)


def test_an_imported_row_is_shown_without_its_controls(tmp_path, capsys):
    evil = dict.fromkeys(("model", "stage", "subject", "part", "detail", "text", "endpoint", "engine"), "\x1b]0;mine\x07")
    path = lines(tmp_path / "a.jsonl", [{**row, **evil} for row in keyed(2)])
    place = ["--workspace", str(tmp_path / "w")]
    (tmp_path / "w").mkdir()
    (tmp_path / "pipeline.toml").write_text('name = "t"\nseed = 1\n')
    place += ["--config", str(tmp_path / "pipeline.toml")]
    assert run(["ledger", "import", str(path), *place]) == 0
    for arguments in (["show", "0"], ["show", "0" * 64], []):
        assert run(["ledger", *arguments, *place]) == 0
        out = capsys.readouterr().out
        assert "\x1b" not in out and "\x07" not in out and "<U+001B>" in out
