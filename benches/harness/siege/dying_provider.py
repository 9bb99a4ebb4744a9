"""A provider under TLS whose first connection goes dead after one answer, or whose answers do
not end. It speaks HTTP/2 in frames, because a library would answer what a dead peer does not."""

import asyncio
import json
import socket
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any

from .aside import CONTEXT, Inside
from .http2 import ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, SETTINGS, STATUS_200, frame
from .provider import TOKEN, RunningProvider, length, response

BODY = json.dumps(TOKEN).encode()
ANSWERED = bytes([STATUS_200])
INFORMED = b"\x08\x03102"  # ":status: 102" as a literal
PIECES = 250_000  # spaces before the end of an answer in pieces of one byte
ANSWERS_AFTER_S = 3.0


class DyingProvider(RunningProvider):
    """`death` is one of `Endpoint`'s; `is_http2` chooses the protocol."""

    def __init__(self, certificate: Path, death: str, is_http2: bool, deadline_s: float):
        self._seen = CONTEXT.Array("d", [0, 0, 0, 0])
        super().__init__(_serve, str(certificate), death, is_http2, self._seen, deadline_s=deadline_s)
        self.url = self.url.replace("http://127.0.0.1", "https://localhost")

    def calls(self) -> int:
        return int(self._seen[0])

    def connections(self) -> int:
        return int(self._seen[1])

    def client_port(self) -> int:
        """Of the last connection."""
        return int(self._seen[2])

    def closed_at(self) -> float:
        """The end of the last connection that ended, by the monotonic clock; 0 if none has."""
        return self._seen[3]


def new_certificate(folder: Path) -> Path:
    """A file with a key and a certificate for localhost."""
    path = folder / "dying.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", path, "-out", path, "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=CA:FALSE"],
                   check=True, stderr=subprocess.DEVNULL)
    return path


def _serve(inside: Inside, held: socket.socket, certificate: str, death: str, is_http2: bool, seen: Any) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["h2" if is_http2 else "http/1.1"])
    asyncio.run(Endpoint(death, is_http2, seen).serve(inside, held, context))


class Endpoint:
    def __init__(self, death: str, is_http2: bool, seen: Any):
        self._death, self._is_http2, self._seen = death, is_http2, seen

    async def serve(self, inside: Inside, held: socket.socket, context: ssl.SSLContext) -> None:
        server = await asyncio.start_server(self.connected, sock=held, ssl=context)
        inside.tell("listening")
        while not inside.is_over():
            await asyncio.sleep(0.05)
        server.close()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._seen[1] += 1
        self._seen[2] = writer.get_extra_info("peername")[1]
        is_first = self._seen[1] == 1
        try:
            await (self._http2 if self._is_http2 else self._http1)(reader, writer, is_first)
        except (EOFError, OSError):
            pass
        finally:
            self._seen[3] = time.monotonic()
            writer.transport.abort()

    async def _http1(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_first: bool) -> None:
        answered = 0
        while True:
            await reader.readexactly(length(await reader.readuntil(b"\r\n\r\n")))
            self._seen[0] += 1
            if self._death == "informs":
                await flood(writer, b"HTTP/1.1 102 Processing\r\n\r\n")
            elif self._death == "pieces":
                await send(writer, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                await in_pieces(writer, lambda byte: b"1\r\n" + byte + b"\r\n")
                await send(writer, b"0\r\n\r\n")
            elif not (self._death == "answers only pings" and is_first and answered):
                await asyncio.sleep(ANSWERS_AFTER_S if self._death == "answers late" else 0)
                await send(writer, response(200, TOKEN))
            answered += 1

    async def _http2(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_first: bool) -> None:
        await reader.readexactly(24)
        await send(writer, frame(SETTINGS, 0, 0, b""))
        is_dead = False
        while True:
            head = await reader.readexactly(9)
            kind, flags, stream = head[3], head[4], int.from_bytes(head[5:], "big")
            payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
            if kind == SETTINGS and not flags & ACK:
                await send(writer, frame(SETTINGS, ACK, 0, b""))
            elif kind == PING and not flags & ACK and not (is_dead and self._death == "answers nothing"):
                await send(writer, frame(PING, ACK, 0, payload))
            elif kind in (DATA, HEADERS) and flags & END_STREAM:
                self._seen[0] += 1
                if not is_dead:
                    await self._answer(writer, stream)
                is_dead = is_first and self._death != "never"
            if is_dead and self._death == "reads nothing":
                await asyncio.Future()

    async def _answer(self, writer: asyncio.StreamWriter, stream: int) -> None:
        if self._death == "informs":
            await flood(writer, frame(HEADERS, END_HEADERS, stream, INFORMED))
        await asyncio.sleep(ANSWERS_AFTER_S if self._death == "answers late" else 0)
        await send(writer, frame(HEADERS, END_HEADERS, stream, ANSWERED))
        if self._death == "pieces":
            await in_pieces(writer, lambda byte: frame(DATA, 0, stream, byte))
            await send(writer, frame(DATA, END_STREAM, stream, b""))
            return
        await send(writer, frame(DATA, END_STREAM, stream, BODY))
        if self._death == "allows no streams":
            await send(writer, frame(SETTINGS, 0, 0, b"\0\3\0\0\0\0"))
        if self._death == "says GOAWAY":
            await send(writer, frame(GOAWAY, 0, 0, stream.to_bytes(4, "big") + bytes(4)))


async def send(writer: asyncio.StreamWriter, data: bytes) -> None:
    if writer.is_closing():
        raise ConnectionAbortedError
    writer.write(data)
    await writer.drain()
    await asyncio.sleep(0)  # else it is never told that the connection is lost


async def flood(writer: asyncio.StreamWriter, piece: bytes) -> None:
    while True:
        await send(writer, piece * 1000)


async def in_pieces(writer: asyncio.StreamWriter, framed: Any) -> None:
    body = BODY[:-1] + b" " * PIECES + BODY[-1:]
    for begin in range(0, len(body), 1000):
        await send(writer, b"".join(framed(bytes([byte])) for byte in body[begin:begin + 1000]))
