"""Our client with its ledger beside a bare aiohttp loop, the openai client and distilabel; faults; a warm re-run. See docs/experiments.md.

    python benchmarks/llm.py [--repeats 3] [--rounds 20] [--others PYTHON] [--clients NAME ...] [--no-faults] [--realtime]

The server (fixed latency of 1 s, replies of 2 KB) is a process of its own on the first core, every client a process on the second one;
all take their turn within each repeat. PYTHON is an interpreter that has openai and distilabel; where one is missing, this is said.
--realtime (root) puts them ahead of all normal work: on a machine that others use too the figures mean little without it.
"""

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
LATENCY = 1.0
FASTEST_RATIO, MOST_CPU_MS = 0.97, 0.5
OTHERS = ("openai", "distilabel")
# The others take a core each to themselves: a third of the rounds is enough to see it.
FAST = ("aiohttp", "ours")


def cores() -> tuple[int, int]:
    """A core for the server and one for the client; the same where there is only one."""
    known = sorted(os.sched_getaffinity(0))
    return known[0], known[-1]


@contextlib.contextmanager
def server(latency: float, share: float) -> Iterator[int]:
    """A running server; its port."""
    command = [*placed(cores()[0]), sys.executable, str(HERE / "llm_server.py"), str(latency), str(share)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def placed(core: int) -> list[str]:
    """Prefix of a command that keeps it on one core; with --realtime ahead of all normal work there."""
    return ["taskset", "-c", str(core), *(["chrt", "-f", "1"] if "--realtime" in sys.argv else [])]


def client(python: str, script: str, *arguments: object) -> dict | str:
    """What a client process printed; or the last line of why it did not."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*placed(cores()[1]), python, str(HERE / script), *map(str, arguments), folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return json.loads(done.stdout.strip().splitlines()[-1])


def speed(clients: list[str], others: str | None, port: int, concurrency: int, rounds: int, repeat: int) -> dict[str, dict]:
    """One row a client: calls/s and CPU milliseconds per call; printed as they come."""
    rows: dict[str, dict] = {}
    for name in clients:
        python = (others or sys.executable) if name in OTHERS else sys.executable
        calls = concurrency * (rounds if name in FAST else max(rounds // 3, 1))
        made = client(python, "llm_clients.py", name, port, concurrency, calls)
        if isinstance(made, str):
            print(f"| {repeat} | {concurrency} | {name} | absent: {made} | | |", flush=True)
            continue
        rate, cpu = calls / made["seconds"], 1000 * made["cpu_seconds"] / calls
        rows[name] = {"rate": rate, "cpu": cpu} | ({"warm": calls / made["warm_seconds"]} if "warm_seconds" in made else {})
        load = os.getloadavg()[0]
        print(f"| {repeat} | {concurrency} | {name} | {rate:.1f} | {cpu:.2f} | {load:.1f} |", flush=True)
    return rows


def report(rows: dict[int, list[dict[str, dict]]]) -> None:
    """Ratios to the bare loop of the same repeat, all of them and their median, beside what is asked for."""
    for concurrency, repeats in rows.items():
        for name in ("ours", *OTHERS, "httpx"):
            pairs = [(row[name]["rate"] / row["aiohttp"]["rate"], row[name]["cpu"]) for row in repeats if {name, "aiohttp"} <= set(row)]
            if pairs:
                ratios, cpus = zip(*pairs, strict=True)
                every = ", ".join(f"{ratio:.3f}" for ratio in ratios)
                costs = ", ".join(f"{cost:.2f}" for cost in cpus)
                verdict = f" (asked: >= {FASTEST_RATIO}, <= {MOST_CPU_MS} ms)" if name == "ours" else ""
                print(f"concurrency {concurrency}: {name} {median(ratios):.3f} x bare aiohttp [{every}], ", end="")
                print(f"{median(cpus):.2f} ms CPU per call [{costs}]{verdict}")
        warm = [row["ours"]["warm"] for row in repeats if "ours" in row]
        if warm:
            print(f"concurrency {concurrency}: from the ledger {median(warm):.0f} answers/s, 0 calls")


def faults(count: int) -> None:
    for share in (0.3, 0.6):
        with server(0.02, share) as port:
            print(f"faults at {share:.0%}: {json.dumps(client(sys.executable, 'llm_faults.py', port, count, 128))}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=20, help="calls of a run, in windows")
    parser.add_argument("--concurrency", type=int, nargs="*", default=[128, 512])
    parser.add_argument("--clients", nargs="*", default=["aiohttp", "ours", "openai", "distilabel"])
    parser.add_argument("--others", help="interpreter that has openai and distilabel")
    parser.add_argument("--faults", type=int, default=1500, help="requests under faults")
    parser.add_argument("--no-faults", action="store_true")
    parser.add_argument("--realtime", action="store_true", help="run server and clients ahead of everything else (chrt; root)")
    chosen = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, server on {cores()[0]}, client on {cores()[1]}\n")
    print("| repeat | concurrency | client | calls/s | CPU ms per call | load |\n|---|---|---|---|---|---|")
    rows: dict[int, list[dict[str, dict]]] = {concurrency: [] for concurrency in chosen.concurrency}
    with server(LATENCY, 0.0) as port:
        for repeat in range(1, chosen.repeats + 1):
            for concurrency in chosen.concurrency:
                rows[concurrency].append(speed(chosen.clients, chosen.others, port, concurrency, chosen.rounds, repeat))
    report(rows)
    if not chosen.no_faults:
        faults(chosen.faults)


if __name__ == "__main__":
    main()
