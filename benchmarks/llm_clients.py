"""The clients that benchmarks/llm.py compares, one a process: `python llm_clients.py NAME PORT CONCURRENCY CALLS FOLDER` prints JSON.

Every client sends the same prompts of 6 KB and reads every reply down to its text, whose id must be the prompt's. CPU is that of the whole
process (all threads, user and system) from before the first call to after the last; imports and interpreter start are not in it.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

PROMPT_BYTES = 6144
FILLER = "The primary loop of the reactor runs at 300 degrees because the pump holds its pressure. " * 80
Ask = Callable[[str], Awaitable[str]]


def prompt(number: int) -> str:
    head = f"id={number:08d};"
    return head + FILLER[: PROMPT_BYTES - len(head)]


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def check(number: int, text: str) -> None:
    got = json.loads(text)["id"]
    if got != f"{number:08d}":
        raise SystemExit(f"prompt {number} was given the answer of {got}")


async def workers(concurrency: int, calls: int, ask: Ask) -> None:
    """`concurrency` coroutines draw from one row of numbers."""
    numbers = iter(range(calls))

    async def work() -> None:
        for number in numbers:
            check(number, await ask(prompt(number)))

    await asyncio.gather(*(work() for _ in range(concurrency)))


def body(text: str) -> dict[str, object]:
    return {"model": "m", "messages": [{"role": "user", "content": text}], "max_tokens": 512, "temperature": 0.0, "top_p": 1.0, "seed": 7}


def measured(run: Callable[[], None]) -> dict[str, float]:
    wall, used = time.monotonic(), cpu()
    run()
    return {"seconds": time.monotonic() - wall, "cpu_seconds": cpu() - used}


def aiohttp_client(port: int, concurrency: int, calls: int, folder: Path) -> dict[str, float]:
    import aiohttp

    async def run() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def ask(text: str) -> str:
                async with session.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body(text)) as response:
                    return json.loads(await response.read())["choices"][0]["message"]["content"]

            await workers(concurrency, calls, ask)

    return measured(lambda: asyncio.run(run()))


def httpx_client(port: int, concurrency: int, calls: int, folder: Path) -> dict[str, float]:
    import httpx

    async def run() -> None:
        limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
        async with httpx.AsyncClient(limits=limits, timeout=120, trust_env=False) as session:

            async def ask(text: str) -> str:
                response = await session.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body(text))
                return json.loads(response.content)["choices"][0]["message"]["content"]

            await workers(concurrency, calls, ask)

    return measured(lambda: asyncio.run(run()))


def openai_client(port: int, concurrency: int, calls: int, folder: Path) -> dict[str, float]:
    import openai

    async def run() -> None:
        async with openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0, timeout=120) as client:

            async def ask(text: str) -> str:
                return (await client.chat.completions.create(**body(text))).choices[0].message.content or ""

            await workers(concurrency, calls, ask)

    return measured(lambda: asyncio.run(run()))


def distilabel_client(port: int, concurrency: int, calls: int, folder: Path) -> dict[str, float]:
    from distilabel.models import OpenAILLM

    model = OpenAILLM(model="m", base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0, timeout=120)
    model.load()

    async def ask(text: str) -> str:
        made = await model.agenerate(input=[{"role": "user", "content": text}], max_new_tokens=512, temperature=0.0, top_p=1.0)
        return made["generations"][0]

    return measured(lambda: asyncio.run(workers(concurrency, calls, ask)))


def ours(port: int, concurrency: int, calls: int, folder: Path) -> dict[str, float]:
    """rubric_factory with its ledger; then the same again, from the ledger (warm_ keys)."""
    from rubric_factory.ledger import Ledger
    from rubric_factory.llm.openai_compatible import OpenAICompatibleModel
    from rubric_factory.llm.paid import Paid
    from rubric_factory.llm.protocol import Request
    from rubric_factory.records import Message
    from rubric_factory.settings import llm

    section = llm.OpenAICompatible(
        model="m", revision="r", base_url=f"http://127.0.0.1:{port}/v1", concurrency=concurrency, timeout_seconds=120
    )

    def run() -> None:
        with Ledger(folder / "ledger.sqlite") as ledger:
            requests = (Request(str(number), (Message("user", prompt(number)),), 512, 0.0, 1.0, 7) for number in range(calls))
            for request_id, completion in Paid(OpenAICompatibleModel(section), ledger).complete(requests):
                if completion.failure is not None:
                    raise SystemExit(f"{completion.failure}: {completion.detail}")
                check(int(request_id), completion.text)

    import aiohttp  # noqa: F401  # imported where used otherwise: inside the measure

    cold = measured(run)
    return cold | {f"warm_{name}": value for name, value in measured(run).items()}


CLIENTS = {"aiohttp": aiohttp_client, "httpx": httpx_client, "openai": openai_client, "distilabel": distilabel_client, "ours": ours}

if __name__ == "__main__":
    name, port, concurrency, calls, folder = sys.argv[1:]
    print(json.dumps(CLIENTS[name](int(port), int(concurrency), int(calls), Path(folder))))
