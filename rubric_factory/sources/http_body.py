"""The body of an answer, piece by piece, under a cap that holds for what is sent and for what it unpacks to."""

import zlib
from collections.abc import Callable, Iterator

from aiohttp import ClientResponse

from rubric_factory.sources.failed import Failed

PIECE = 64 * 1024


class _Gunzip:
    """Unpacks gzip, members after members, never more than a piece at once."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._begun = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What some packed bytes unpack to. Errors: zlib.error."""
        while data or self._inflate.unconsumed_tail:
            self._begun = True
            made = self._inflate.decompress(data, PIECE)
            data = self._inflate.unconsumed_tail
            if made:
                yield made
            if self._inflate.eof:
                data = self._inflate.unused_data
                self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
                self._begun = False

    @property
    def whole(self) -> bool:
        """Whether the last member ended."""
        return not self._begun


async def receive(response: ClientResponse, write: Callable[[bytes], object], max_bytes: int) -> None:
    """Write the body, at most max_bytes of it, whatever Content-Length says or gzip makes of it.

    Errors: Failed (too_large, content_encoding, transport for a packed body that ends early); those of the client for a cut one.
    """
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip"):
        raise Failed("content_encoding", f"the body is encoded as {encoding[:40]!r}, gzip was offered")
    if (response.content_length or 0) > max_bytes:
        raise Failed("too_large", f"{response.content_length} bytes announced, at most {max_bytes} are taken")
    gunzip = _Gunzip() if "gzip" in encoding else None
    sent = made = 0
    try:
        async for chunk in response.content.iter_chunked(PIECE):
            sent += len(chunk)
            for piece in gunzip.pieces(chunk) if gunzip else (chunk,):
                made += len(piece)
                if max(sent, made) > max_bytes:
                    raise Failed("too_large", f"more than {max_bytes} bytes came")
                write(piece)
    except zlib.error as error:
        raise Failed("transport", f"the packed body is damaged: {error}", transient=True) from None
    if gunzip and not gunzip.whole:
        raise Failed("transport", "the packed body ends early", transient=True)
