"""A provider whose token endpoint can be told to misbehave. It stays a slow thing
in Python: what is measured is the load on another provider."""

import asyncio
import socket
from typing import Any

from .aside import CONTEXT, Inside
from .provider import TOKEN, RunningProvider, bind, converse, response

HEALTHY = "healthy"
FAULTS = {
    "dead": "its port is closed",
    "black hole": "never answers",
    "slow": "answers after 5 s",
    "429 flood": "all get a 429",
    "500 flood": "all get a 500",
    "drip": "a byte a second",
    "garbage": "answers are no HTTP",
}
MODES = [HEALTHY, *FAULTS]
SLOW_S, DRIP_S, LOOK_EVERY_S = 5.0, 1.0, 0.02


class FaultyProvider(RunningProvider):
    def __init__(self, deadline_s: float, slow_s: float = SLOW_S):
        self._mode, self._asked = CONTEXT.Value("i", 0), CONTEXT.Value("i", 0)
        super().__init__(_serve, self._mode, self._asked, slow_s, deadline_s=deadline_s)

    def become(self, mode: str) -> None:
        self._mode.value = MODES.index(mode)

    def asked(self) -> int:
        """The number of requests so far."""
        return self._asked.value


def _serve(inside: Inside, held: socket.socket, mode: Any, asked: Any, slow_s: float) -> None:
    asyncio.run(Endpoint(mode, asked, slow_s).serve(inside, held))


class Endpoint:
    """Answers every request with a token, or as its mode says."""

    def __init__(self, mode: Any, asked: Any, slow_s: float):
        self._mode, self._asked, self._slow_s = mode, asked, slow_s
        self._writers: set[asyncio.StreamWriter] = set()

    def mode(self) -> str:
        return MODES[self._mode.value]

    async def serve(self, inside: Inside, held: socket.socket) -> None:
        port = held.getsockname()[1]
        while not inside.is_over():
            server = await asyncio.start_server(self.connected, sock=held, backlog=4096)
            inside.tell("listening")
            while self.mode() != "dead" and not inside.is_over():
                await asyncio.sleep(LOOK_EVERY_S)
            server.close()
            held = bind(port)
            for writer in self._writers:
                writer.transport.abort()
            while self.mode() == "dead" and not inside.is_over():
                await asyncio.sleep(LOOK_EVERY_S)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        await converse(reader, writer, lambda _: self.answer(reader, writer))
        self._writers.discard(writer)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mode = self.mode()
        self._asked.value += 1
        match mode:
            case "black hole":
                # Until another fault is wanted: else what hangs would outlive this one.
                while self.mode() == mode and not reader.at_eof():
                    await asyncio.sleep(LOOK_EVERY_S)
                raise ConnectionAbortedError
            case "429 flood":
                writer.write(response(429, {"error": "slow_down"}))
            case "500 flood":
                writer.write(response(500, {"error": "server_error"}))
            case "garbage":
                writer.write(b"\x00\xff" * 500)
                await writer.drain()
                raise ConnectionAbortedError
            case "drip":
                for byte in response(200, TOKEN):
                    writer.write(bytes([byte]))
                    await writer.drain()  # an error if nobody is there any more
                    await asyncio.sleep(DRIP_S)
            case _:
                await asyncio.sleep(self._slow_s if mode == "slow" else 0)
                writer.write(response(200, TOKEN))
