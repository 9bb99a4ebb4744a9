"""A provider's token endpoint in a process of its own."""

import asyncio
import json
import socket
from typing import Any, Awaitable, Callable

from ..bed import ACCESS_TOKEN_CHARACTERS, SHORT_S
from .aside import Aside

TOKEN = {"access_token": "t" * ACCESS_TOKEN_CHARACTERS, "token_type": "bearer", "expires_in": SHORT_S}


class RunningProvider:
    """Listens at one port; `serve(inside, socket, *arguments)` tells "listening"."""

    def __init__(self, serve: Callable, *arguments: Any, deadline_s: float):
        held = bind(0)
        self.url = f"http://127.0.0.1:{held.getsockname()[1]}"
        self._aside = Aside(serve, held, *arguments, deadline_s=deadline_s)
        held.close()
        if not self._aside.wait_until(lambda told: told == "listening", timeout_s=10):
            raise TimeoutError("the provider does not listen")

    def __enter__(self) -> "RunningProvider":
        return self

    def __exit__(self, *error: object) -> None:
        self._aside.__exit__(*error)


def bind(port: int) -> socket.socket:
    """Bound but not listening: it refuses connections, and nobody takes the port."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", port))
    return held


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
                   answer: Callable[[bytes], Awaitable[None]]) -> None:
    """Lets `answer` write the answer to each form, until either side ends the connection."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            await answer(await reader.readexactly(length(head)))
            await writer.drain()
    except (EOFError, OSError):
        pass
    finally:
        writer.transport.abort()


def length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return int(value)
    return 0


def response(status: int, body: dict) -> bytes:
    text = json.dumps(body).encode()
    return (f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(text)}\r\n\r\n").encode() + text
