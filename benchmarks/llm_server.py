"""The other end of benchmarks/llm.py: a bare HTTP/1.1 server in a process of its own, with a fixed latency and, if asked, faults.

It parses no more than it must, so that it takes little of its core: `python llm_server.py LATENCY FAULT_SHARE [FAULT,...]` prints its port.
Every prompt begins with "id=<digits>;" and every reply carries that id, so that a wrong pairing shows.
"""

import asyncio
import json
import random
import sys

REPLY_BYTES = 2048
HANG_SECONDS = 3600.0
HUGE = 10 * 1024 * 1024
FAULTS = ("429", "500", "hang", "cut", "garbage", "wrong_schema", "swapped", "huge", "nan", "reset")


def reply(identifier: str, text: object = None) -> bytes:
    """Body of a chat completion whose content is {"id", "text"} of about REPLY_BYTES bytes."""
    content = json.dumps({"id": identifier, "text": "x" * (REPLY_BYTES - 300) if text is None else text})
    usage = {"prompt_tokens": 1500, "completion_tokens": 500, "total_tokens": 2000, "prompt_tokens_details": {"cached_tokens": 1000}}
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop", "logprobs": None}
    made = {"id": "c", "object": "chat.completion", "created": 1, "model": "served", "choices": [choice], "usage": usage}
    return json.dumps(made).encode()


def framed(body: bytes, status: str = "200 OK", length: int | None = None, extra: str = "") -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{extra}Content-Length: {size}\r\n\r\n".encode() + body


class Connection(asyncio.Protocol):
    """One connection; requests on it come one after the other."""

    def __init__(self, latency: float, share: float, faults: list[str], draw: random.Random) -> None:
        self.latency, self.share, self.faults, self.draw = latency, share, faults, draw
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end]
            at = head.lower().find(b"content-length:")
            size = 0 if at < 0 else int(head[at + 15 :].split(b"\r\n", 1)[0])
            if len(self.buffer) < end + 4 + size:
                return
            body, self.buffer = self.buffer[end + 4 : end + 4 + size], self.buffer[end + 4 + size :]
            if head.startswith(b"GET"):
                self.transport.write(framed(b'{"data": []}'))
            else:
                at = body.find(b"id=") + 3
                asyncio.get_running_loop().call_later(self.latency, self.answer, body[at : body.index(b";", at)].decode())

    def answer(self, identifier: str) -> None:
        if self.transport.is_closing():
            return
        fault = self.draw.choice(self.faults) if self.draw.random() < self.share else ""
        if fault == "hang":
            return
        if fault == "reset":
            self.transport.abort()
            return
        self.transport.write(self.bytes_of(identifier, fault))
        if fault == "cut":
            self.transport.abort()

    def bytes_of(self, identifier: str, fault: str) -> bytes:
        good = reply(identifier)
        if fault == "429":
            return framed(b"slow down", "429 Too Many Requests", extra="Retry-After: 0\r\n")
        if fault == "500":
            return framed(b"oh", "500 Internal Server Error")
        if fault == "cut":
            return framed(good[:500], length=len(good))
        if fault == "garbage":
            return framed(b"<html>bad gateway</html>")
        if fault == "wrong_schema":
            return framed(reply(identifier, [1, 2]))
        if fault == "swapped":
            return framed(reply(str(int(identifier) + 1)))
        if fault == "huge":
            return framed(b" " * HUGE)
        return framed(good.replace(b'"prompt_tokens": 1500', b'"prompt_tokens": NaN') if fault == "nan" else good)


async def main() -> None:
    latency, share = float(sys.argv[1]), float(sys.argv[2])
    faults = sys.argv[3].split(",") if len(sys.argv) > 3 else list(FAULTS)
    draw = random.Random(7)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(latency, share, faults, draw), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
