"""What was sent several times is booked several times: an unread reply or a timeout may have been paid, an error of HTTP was not."""

import pytest
from chat_server import ChatServer, cut, hang, in_turn, raw, status
from test_llm_paid import ask

from rubric_factory.errors import CapReachedError
from rubric_factory.ledger import Ledger
from rubric_factory.llm.account import Account
from rubric_factory.llm.openai_compatible import OpenAICompatibleModel
from rubric_factory.llm.paid import Paid
from rubric_factory.settings import llm
from rubric_factory.settings.caps import CapSettings, WorkspaceCaps


def paid(server, ledger, caps):
    section = llm.OpenAICompatible(model="m", revision="r", base_url=server.url, retries=2, concurrency=1, timeout_seconds=0.3)
    return Paid(OpenAICompatibleModel(section, backoff_seconds=0.001), ledger, account=Account(caps))


@pytest.mark.parametrize(("first", "calls"), [((raw(b"{"), hang), 3), ((cut,), 2), ((status(500), status(429)), 1), ((), 1)])
def test_every_try_that_may_have_been_paid_is_a_call(tmp_path, first, calls):
    with ChatServer(in_turn(*first)) as server, Ledger(tmp_path / "ledger.sqlite") as ledger:
        model = paid(server, ledger, CapSettings())
        ((_, completion),) = model.complete(ask(1))
        assert completion.failure is None and completion.tries == calls
        assert [row.calls for row in ledger.spent()] == [calls] == [model.account.settled.calls]


@pytest.mark.parametrize("caps", [CapSettings(calls=4), CapSettings(workspace=WorkspaceCaps(calls=4))])
def test_under_a_cap_nothing_that_may_have_been_paid_is_sent_again_unadmitted(tmp_path, caps):
    with ChatServer(raw(b"{")) as server, Ledger(tmp_path / "ledger.sqlite") as ledger:
        model = paid(server, ledger, caps)
        found = []
        with pytest.raises(CapReachedError, match="cap of 4 calls"):
            found.extend(model.complete(ask(*range(1, 9))))
        assert [completion.tries for _, completion in found] == [1] * 4
        assert [row.calls for row in ledger.spent()] == [4] == [len(server.headers)]


def test_under_a_cap_what_no_model_saw_is_still_sent_again(tmp_path):
    with ChatServer(in_turn(status(500), status(429))) as server, Ledger(tmp_path / "ledger.sqlite") as ledger:
        ((_, completion),) = paid(server, ledger, CapSettings(calls=1)).complete(ask(1))
        assert completion.failure is None and [row.calls for row in ledger.spent()] == [1]
