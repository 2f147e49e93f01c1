"""Every fault at a given share: in = done + dead with a reason, none lost, none wrong. Part of benchmarks/llm.py, one process:
`python llm_faults.py PORT REQUESTS CONCURRENCY FOLDER` prints JSON.

A request is done when its reply keeps the schema and carries the request's own id. It is dead when the ledger gave it up (after three runs
whose tries all failed) or when its paid reply is refused: wrong schema, another request's id. Whoever is neither is lost.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import llm_clients
from pydantic import BaseModel, ConfigDict, ValidationError

from rubric_factory.ledger import Ledger
from rubric_factory.llm.openai_compatible import OpenAICompatibleModel
from rubric_factory.llm.paid import Paid
from rubric_factory.llm.protocol import Completion, CompletionFailure, Request
from rubric_factory.records import Message
from rubric_factory.settings import llm

RUNS = 3
PENDING = (CompletionFailure.TRANSPORT, CompletionFailure.TIMEOUT)


class Reply(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    id: str
    text: str


def outcome(request: Request, completion: Completion) -> str:
    """'done', 'pending', or why the request is dead. A done one that is another's would be 'wrong'."""
    if completion.failure in PENDING:
        return "pending"
    if completion.failure is not None:
        return str(completion.failure)
    try:
        reply = Reply.model_validate_json(completion.text)
    except ValidationError:
        return "schema_violation"
    own = request.messages[-1].content[3:11]
    return "done" if reply.id == own else "wrong_echo"


def main() -> None:
    port, count, concurrency, folder = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    section = llm.OpenAICompatible(
        model="m", revision="r", base_url=f"http://127.0.0.1:{port}/v1", concurrency=concurrency, timeout_seconds=2.0, retries=4
    )
    schema = Reply.model_json_schema()
    asked = {str(n): Request(str(n), (Message("user", llm_clients.prompt(n)),), 512, 0.0, 1.0, 7, schema) for n in range(count)}
    outcomes: dict[str, str] = {}
    runs, twice = [], 0
    with Ledger(folder / "ledger.sqlite") as ledger:
        for _ in range(RUNS + 1):
            seen: set[str] = set()
            for name, completion in Paid(OpenAICompatibleModel(section, backoff_seconds=0.05), ledger).complete(asked.values()):
                twice += name in seen
                seen.add(name)
                outcomes[name] = outcome(asked[name], completion)
            runs.append(dict(Counter(outcomes.values()).most_common()))
        states = {row["state"]: row["calls"] for row in ledger.summary()}
    counts = Counter(outcomes.values())
    done, pending = counts.pop("done", 0), counts.pop("pending", 0)
    made = {"in": count, "done": done, "dead": sum(counts.values()), "lost": count - len(outcomes) + pending, "twice": twice}
    print(json.dumps({**made, "reasons": dict(counts.most_common()), "ledger": states, "runs": runs}))


if __name__ == "__main__":
    main()
