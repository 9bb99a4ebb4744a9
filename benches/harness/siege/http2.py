"""A client of HTTP/2 (RFC 9113) that needs no library: GET requests with one header, and as
much of the answers as tells whether they came."""

import asyncio

from .answers import Answer, Broken, Refused

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
WINDOW = 2**31 - 1 - 65535
STATUS_200 = 0x88  # ":status: 200" in the static table of RFC 7541


class NotTaken(Exception):
    """GOAWAY says that the request was not looked at: it is sent elsewhere."""


class Http2Client:
    """Asks one thing at a time, on one connection while the server keeps it."""

    def __init__(self, port: int):
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._next = 1
        self._last = WINDOW  # of the streams that are answered

    def close(self) -> None:
        if self._streams:
            self._streams[1].transport.abort()
            self._streams = None

    async def ask(self, path: str, name: str, value: str) -> Answer:
        """Refused, NotTaken or Broken."""
        if self._last < self._next or (self._streams and self._streams[0].at_eof()):
            self.close()
        if not self._streams:
            try:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError as error:
                raise Refused from error
            self._next, self._last = 1, WINDOW
            self._write(PREFACE + frame(SETTINGS, 0, 0, b"")
                        + frame(WINDOW_UPDATE, 0, 0, WINDOW.to_bytes(4, "big")))
        stream, self._next = self._next, self._next + 2
        try:
            block = b"\x82\x86\x04" + text(path) + b"\x00" + text(name) + text(value)
            self._write(frame(HEADERS, END_STREAM | END_HEADERS, stream, block))
            return await self._answer(stream)
        except (OSError, EOFError) as error:
            self.close()
            raise (NotTaken if self._last < stream else Broken) from error

    def _write(self, data: bytes) -> None:
        self._streams[1].write(data)

    async def _answer(self, stream: int) -> Answer:
        status = 0
        while True:
            head = await self._streams[0].readexactly(9)
            kind, flags, of = head[3], head[4], int.from_bytes(head[5:], "big")
            payload = await self._streams[0].readexactly(int.from_bytes(head[:3], "big"))
            if kind == PING and not flags & ACK:
                self._write(frame(PING, ACK, 0, payload))
            elif kind == GOAWAY:
                self._last = int.from_bytes(payload[:4], "big")
                if self._last < stream:
                    raise EOFError
            elif kind == RST_STREAM and of == stream:
                raise EOFError
            elif kind == HEADERS and of == stream:
                status = 200 if payload[0] == STATUS_200 else 1
            if of == stream and kind in (HEADERS, DATA) and flags & END_STREAM:
                return Answer(status, {})


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def text(value: str) -> bytes:
    """A string without Huffman codes (RFC 7541 section 5.2)."""
    data, length = value.encode(), b""
    if len(data) < 127:
        return bytes([len(data)]) + data
    rest = len(data) - 127
    while rest >= 128:
        length += bytes([rest % 128 | 128])
        rest //= 128
    return bytes([127]) + length + bytes([rest]) + data
