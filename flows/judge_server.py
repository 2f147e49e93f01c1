"""`judge serve`: the locked judge of a version behind HTTP. Design: docs/adr/0012-grading-surfaces.md.

POST /v1/grade {"answers": [{"task_id", "response"}, ...], "aggregation"?, "lock"?} -> {"results": [grade, ...], "judge", "lock"}
A judge that drifts from its lock while serving (judging/rechecked.py): 409 with the reason, for good.
GET  /v1/judge -> what grades, and what it did so far        GET /health -> {"status": "ok"}, the one path that needs no token
"""

import asyncio
import hmac
import json
import os
import secrets
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from rubric_factory.errors import BlockedError, FactoryError, UsageError
from rubric_factory.grading import Answer, Grader, describe, require_aggregation
from rubric_factory.judging.gathered import Full, Gathered
from rubric_factory.text import printable
from rubric_factory.workspace import atomic_path

MAX_BODY_BYTES = 64 * 2**20
MAX_ANSWERS = 4096
MIN_TOKEN_CHARACTERS = 16
RETRY_AFTER_SECONDS = 1
STOP_SECONDS = 60.0
_KEYS = {"answers", "aggregation", "lock"}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _refused(status: int, message: str, **headers: str) -> web.Response:
    return web.json_response({"error": message, "status": status}, status=status, headers=headers)


@dataclass
class JudgeServer:
    """One grader behind HTTP. done: answers by outcome. Nobody but `grader.judge`'s one thread calls the judge."""

    grader: Grader
    gathered: Gathered
    token: str
    done: Counter[str] = field(default_factory=Counter)

    def application(self) -> web.Application:
        """Routes, token and errors."""
        made = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[self._guarded])
        made.router.add_get("/health", self.health)
        made.router.add_get("/v1/judge", self.judge)
        made.router.add_post("/v1/grade", self.grade)
        return made

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The token before anything else, every error as JSON."""
        if request.path != "/health" and not self._authorised(request):
            return _refused(401, "no valid token", **{"WWW-Authenticate": "Bearer"})
        try:
            return await handler(request)
        except web.HTTPException as error:
            return _refused(error.status, error.reason)
        except Full as error:
            return _refused(503, str(error), **{"Retry-After": str(RETRY_AFTER_SECONDS)})
        except FactoryError as error:
            code = 409 if isinstance(error, BlockedError) else 400 if isinstance(error, UsageError) else 502
            return _refused(code, printable(str(error), 1000))
        except Exception as error:  # the boundary of a request: one that fails must not say how, nor end the server
            sys.stderr.write(f"judge serve: {type(error).__name__}: {printable(str(error), 500)}\n")
            return _refused(500, "unexpected error")

    def _authorised(self, request: web.Request) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        same = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), self.token.encode())
        return scheme.lower() == "bearer" and same

    async def health(self, request: web.Request) -> web.Response:
        """That it answers."""
        return web.json_response({"status": "ok"})

    async def judge(self, request: web.Request) -> web.Response:
        """Who grades what, and how the answers so far came out."""
        return web.json_response({**describe(self.grader), "outcomes": dict(self.done), "waiting": self.gathered.waiting})

    async def grade(self, request: web.Request) -> web.Response:
        """Grades in the order of the answers; reward null and an outcome that says why, where there is none."""
        answers, aggregation = self._read(await request.read())
        items = self.grader.inputs(answers)
        futures = [asyncio.wrap_future(future) for future in self.gathered.submit(items)]
        grades = self.grader.settled(items, await asyncio.gather(*futures), aggregation)
        self.done.update(grade.outcome for grade in grades)
        row = {"judge": self.grader.judge.identity, "lock": self.grader.lock.digest, "results": [grade.to_row() for grade in grades]}
        return web.json_response(row)

    def _read(self, body: bytes) -> tuple[list[Answer], str]:
        """Answers and aggregation of a request. Errors: UsageError, BlockedError where the caller wants another lock."""
        try:
            row = json.loads(body)
            answers = [(one["task_id"], one["response"]) for one in row["answers"]]
            strings = all(isinstance(part, str) for answer in answers for part in answer)
        except (ValueError, KeyError, TypeError, RecursionError):
            row, strings = {}, False
        if not strings or set(row) - _KEYS or not 0 < len(answers) <= MAX_ANSWERS:
            raise UsageError("no answers", expected=f'{{"answers": [{{"task_id": "...", "response": "..."}}, ...]}}, at most {MAX_ANSWERS}')
        if row.get("lock", self.grader.lock.digest) != self.grader.lock.digest:
            raise BlockedError(
                "the caller wants another judge lock", expected=f"{self.grader.lock.digest}", fix="use one lock on both sides"
            )
        return answers, require_aggregation(str(row.get("aggregation", "canonical")))


def token_of(variable: str) -> str:
    """The token of an environment variable, a fresh one where it is unset. Errors: UsageError for one that can be guessed."""
    given = os.environ.get(variable, "").strip()
    if given and len(given) < MIN_TOKEN_CHARACTERS:
        raise UsageError(
            f"{variable} has {len(given)} characters",
            expected=f"at least {MIN_TOKEN_CHARACTERS}",
            fix="unset it: a token is then made and written to a file",
        )
    return given or secrets.token_urlsafe(32)


def write_token(path: Path, token: str) -> None:
    """The token in a file that only this user can read, from its first byte on. Errors: WorkspaceError."""
    with atomic_path(path) as part:
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
            handle.write(token + "\n")


async def serve(server: JudgeServer, host: str, port: int, ready: Callable[[int], None]) -> None:
    """Serve until SIGINT or SIGTERM; what is under way is then finished, nothing new is taken. ready gets the port. Errors: UsageError."""
    runner = web.AppRunner(server.application(), handler_cancellation=True, shutdown_timeout=STOP_SECONDS, access_log=None)
    await runner.setup()
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        await web.TCPSite(runner, host, port).start()
        ready(runner.addresses[0][1])
        await stop.wait()
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host}:{port}: {error.strerror}", expected="a free port", fix="name another with --port"
        ) from None
    finally:
        await runner.cleanup()
