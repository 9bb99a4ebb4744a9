"""A provider whose token endpoint can be told to misbehave. It stays a slow thing
in Python: what is measured is the load on another provider."""

import asyncio
import json
import socket
from typing import Any

from ..bed import ACCESS_TOKEN_CHARACTERS, SHORT_S
from .aside import CONTEXT, Aside, Inside

HEALTHY = "healthy"
FAULTS = {
    "dead": "its port is closed",
    "black hole": "never answers",
    "slow": "answers after 5 s",
    "429 flood": "all get a 429",
    "500 flood": "all get a 500",
    "drip": "a byte a second",
}
MODES = [HEALTHY, *FAULTS]
SLOW_S, DRIP_S, LOOK_EVERY_S = 5.0, 1.0, 0.02
TOKEN = {"access_token": "t" * ACCESS_TOKEN_CHARACTERS, "token_type": "bearer", "expires_in": SHORT_S}


class FaultyProvider:
    """It listens at one port, in a process of its own."""

    def __init__(self, deadline_s: float, slow_s: float = SLOW_S):
        self._mode = CONTEXT.Value("i", 0)
        held = _bind(0)
        port = held.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._aside = Aside(_serve, self._mode, held, slow_s, deadline_s=deadline_s)
        held.close()
        if not self._aside.wait_until(lambda told: told == "listening", timeout_s=10):
            raise TimeoutError("the faulty provider does not listen")

    def __enter__(self) -> "FaultyProvider":
        return self

    def __exit__(self, *error: object) -> None:
        self._aside.__exit__(*error)

    def become(self, mode: str) -> None:
        self._mode.value = MODES.index(mode)


def _bind(port: int) -> socket.socket:
    """Bound but not listening: it refuses connections, and nobody takes the port."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", port))
    return held


def _serve(inside: Inside, mode: Any, held: socket.socket, slow_s: float) -> None:
    asyncio.run(Endpoint(mode, slow_s).serve(inside, held))


class Endpoint:
    """Answers every request with a token, or as its mode says."""

    def __init__(self, mode: Any, slow_s: float):
        self._mode, self._slow_s = mode, slow_s
        self._writers: set[asyncio.StreamWriter] = set()

    def mode(self) -> str:
        return MODES[self._mode.value]

    async def serve(self, inside: Inside, held: socket.socket) -> None:
        port = held.getsockname()[1]
        while not inside.is_over():
            server = await asyncio.start_server(self.converse, sock=held, backlog=4096)
            inside.tell("listening")
            while self.mode() != "dead" and not inside.is_over():
                await asyncio.sleep(LOOK_EVERY_S)
            server.close()
            held = _bind(port)
            for writer in self._writers:
                writer.transport.abort()
            while self.mode() == "dead" and not inside.is_over():
                await asyncio.sleep(LOOK_EVERY_S)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(_length(head))
                await self.answer(reader, writer)
        except (EOFError, OSError):
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mode = self.mode()
        match mode:
            case "black hole":
                # Until another fault is wanted: else what hangs would outlive this one.
                while self.mode() == mode and not reader.at_eof():
                    await asyncio.sleep(LOOK_EVERY_S)
                raise ConnectionAbortedError
            case "slow":
                await asyncio.sleep(self._slow_s)
                writer.write(_response(200, TOKEN))
            case "429 flood":
                writer.write(_response(429, {"error": "slow_down"}))
            case "500 flood":
                writer.write(_response(500, {"error": "server_error"}))
            case "drip":
                for byte in _response(200, TOKEN):
                    writer.write(bytes([byte]))
                    await writer.drain()  # an error if nobody is there any more
                    await asyncio.sleep(DRIP_S)
            case _:
                writer.write(_response(200, TOKEN))
        await writer.drain()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return int(value)
    return 0


def _response(status: int, body: dict) -> bytes:
    text = json.dumps(body).encode()
    return (f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(text)}\r\n\r\n").encode() + text
