"""The open ledger: calls claimed, settled and looked up."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rubric_factory.ledger.calls import Answer, Asked, Claims, Spent
from rubric_factory.ledger.connection import Connection
from rubric_factory.ledger.leases import Leases


def _anything(key: str) -> bool:
    return True


_NOTHING = Asked()
_ONCE: Mapping[str, int] = {}


def _nothing(key: str) -> Asked:
    return _NOTHING


class Ledger:
    """An open ledger, usable from several threads. Errors of every method: WorkspaceError (damaged file, full disk)."""

    def __init__(self, path: Path) -> None:
        self.leases = Leases(path.with_name(path.name + ".leases"))
        self.connection = Connection(path)
        # Digests of shared texts that this process has written: not written again.
        self._texts: set[str] = set()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and end the lease."""
        self.connection.close()
        self.leases.close()

    def claim(
        self,
        keys: Sequence[str],
        model: str,
        revision: str,
        *,
        describe: Callable[[str], Asked] = _nothing,
        admit: Callable[[str], bool] = _anything,
    ) -> Claims:
        """Take the lease of every key that nobody has answered, given up or under way; say how the others stand. keys: distinct.

        Durable on return: what is `mine` may be sent. Stored answers cost no write. admit: asked for each key that is free to take, in
        order, before anything is written for it; describe: what to write beside it.
        """
        claims = Claims()
        with self.connection.exclusively():
            if open_keys := self._sort(keys, claims):
                with self.connection.transaction():
                    self.leases.hold()
                    for key in self._sort(open_keys, claims, leased=True):
                        (claims.mine if admit(key) else claims.held).append(key)
                    self._write_down(claims.mine, model, revision, describe)
        return claims

    def _write_down(self, keys: Sequence[str], model: str, revision: str, describe: Callable[[str], Asked]) -> None:
        owner = self.leases.owner
        self.connection.many("claim_call", [{"key": key, "model": model, "revision": revision, "owner": owner} for key in keys])
        asked = {key: describe(key) for key in keys}
        texts = {digest: body for one in asked.values() for digest, body in one.texts.items() if digest not in self._texts}
        self.connection.many("store_text", [{"digest": digest, "body": body} for digest, body in texts.items()])
        self.connection.many("store_request", [{"key": key, **_row(one)} for key, one in asked.items() if one is not _NOTHING])
        self._texts |= set(texts)

    def settle(
        self,
        answers: Mapping[str, Answer],
        failures: Mapping[str, str],
        released: Iterable[str] = (),
        *,
        give_up_after: int = 3,
        again: Mapping[str, int] = _ONCE,
    ) -> None:
        """Commit, in one transaction, answers, failed attempts (key: reason) and leases given back without an attempt.

        again: how often a call was sent beyond once, 0 where not named; each is a call in the accounts.
        """
        now = time.time()
        with self.connection.transaction():
            self.connection.many("store_answer", [{"key": key, "answered_at": now, **_fields(answer)} for key, answer in answers.items()])
            self.connection.many("close_call", [{"key": key} for key in answers])
            self.connection.many(
                "fail_call", [{"key": key, "reason": why, "give_up_after": give_up_after} for key, why in failures.items()]
            )
            self.connection.many("release_call", [{"key": key, "owner": self.leases.owner} for key in released])
            costs = [[key, one.prompt_tokens, one.completion_tokens, one.seconds] for key, one in answers.items()]
            # A failed attempt is a call that brought nothing, and so is each that was sent before the one that counts.
            costs += [[key, 0, 0, 0.0] for key in failures]
            costs += [[key, 0, 0, 0.0] for key, times in again.items() for _ in range(times)]
            self.connection.many("spend", [{"costs": json.dumps(costs)}] if costs else [])

    def forget_texts(self) -> None:
        """Shared texts may be gone from the file: they are written again."""
        self._texts.clear()

    def spent(self) -> list[Spent]:
        """What was spent, by model, revision and stage; everything that was ever settled here, in whichever process."""
        return [Spent(**row) for row in self.connection.rows("spent")]

    def summary(self) -> list[dict[str, Any]]:
        """One row per model, revision and state (open, in_flight, answered, dead): calls, sent, tokens of both kinds, seconds."""
        return self.connection.rows("summary")

    def dead(self) -> list[dict[str, Any]]:
        """One row per dead letter: key, attempts, reason."""
        return self.connection.rows("dead_calls")

    def _sort(self, keys: Iterable[str], claims: Claims, *, leased: bool = False) -> list[str]:
        """Put each key into its part of claims; those that are free to take are returned. leased: look at who holds the others."""
        free: list[str] = []
        owners = {"": False, self.leases.owner: True}
        known = {row["key"]: row for row in self.connection.rows("find_calls", keys=json.dumps(list(keys)))}
        for key in keys:
            row = known.get(key)
            if row is not None and row["state"] == "answered":
                claims.answered[key] = Answer(**{name: row[name] for name in Answer.__slots__})
            elif row is not None and row["state"] == "dead":
                claims.dead[key] = f"given up after {row['attempts']} runs: {row['reason']}"
            elif leased and row is not None and row["state"] == "in_flight":
                owner = row["owner"]
                if owner not in owners:
                    owners[owner] = self.leases.alive(owner)
                (claims.busy if owners[owner] else free).append(key)
            else:
                free.append(key)
        return free


def _fields(answer: Answer) -> dict[str, Any]:
    """As dataclasses.asdict, which copies every value deeply and took a third of all the time here."""
    return {name: getattr(answer, name) for name in Answer.__slots__}


def _row(asked: Asked) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in Asked.__slots__} | {"texts": " ".join(asked.texts)}
