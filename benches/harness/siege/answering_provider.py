"""A provider that serves refreshes well, and treats what strangers send as it is told."""

import asyncio
from typing import Any

from ..bed import ACCESS_TOKEN_CHARACTERS, SHORT_S
from .aside import CONTEXT, Aside, Inside
from .faulty_provider import _bind, _length, _response

TOKEN = {"access_token": "t" * ACCESS_TOKEN_CHARACTERS, "token_type": "bearer", "expires_in": SHORT_S}
REFRESH_S, JUNK_S = 0.02, 0.3


class AnsweringProvider:
    """It listens at one port, in a process of its own."""

    def __init__(self, deadline_s: float):
        self.junk, self.junk_status = CONTEXT.Value("i", 0), CONTEXT.Value("i", 400)
        held = _bind(0)
        self.url = f"http://127.0.0.1:{held.getsockname()[1]}"
        self._aside = Aside(_serve, self.junk, self.junk_status, held, deadline_s=deadline_s)
        held.close()
        if not self._aside.wait_until(lambda told: told == "listening", timeout_s=10):
            raise TimeoutError("the provider does not listen")

    def __enter__(self) -> "AnsweringProvider":
        return self

    def __exit__(self, *error: object) -> None:
        self._aside.__exit__(*error)

    def answer_junk_with(self, status: int) -> None:
        self.junk_status.value = status
        self.junk.value = 0


def _serve(inside: Inside, junk: Any, status: Any, held: Any) -> None:
    asyncio.run(_listen(inside, junk, status, held))


async def _listen(inside: Inside, junk: Any, status: Any, held: Any) -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                form = await reader.readexactly(_length(head))
                if b"grant_type=refresh_token" in form and b"made-up" not in form:
                    await asyncio.sleep(REFRESH_S)
                    writer.write(_response(200, TOKEN))
                else:
                    junk.value += 1
                    await asyncio.sleep(JUNK_S)
                    writer.write(_response(status.value, {"error": "invalid_grant"}))
                await writer.drain()
        except (EOFError, OSError):
            pass
        finally:
            writer.transport.abort()

    await asyncio.start_server(converse, sock=held, backlog=4096)
    inside.tell("listening")
    while not inside.is_over():
        await asyncio.sleep(0.1)
