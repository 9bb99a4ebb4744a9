"""A provider that serves refreshes well, and treats what strangers send as it is told."""

import asyncio
from typing import Any

from .aside import CONTEXT, Inside
from .provider import TOKEN, RunningProvider, converse, response

REFRESH_S, JUNK_S = 0.02, 0.3


class AnsweringProvider(RunningProvider):
    def __init__(self, deadline_s: float):
        self.junk, self.junk_status = CONTEXT.Value("i", 0), CONTEXT.Value("i", 400)
        super().__init__(_serve, self.junk, self.junk_status, deadline_s=deadline_s)

    def answer_junk_with(self, status: int) -> None:
        self.junk_status.value = status
        self.junk.value = 0


def _serve(inside: Inside, held: Any, junk: Any, status: Any) -> None:
    asyncio.run(_listen(inside, held, junk, status))


async def _listen(inside: Inside, held: Any, junk: Any, status: Any) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def answer(form: bytes) -> None:
            if b"grant_type=refresh_token" in form and b"made-up" not in form:
                await asyncio.sleep(REFRESH_S)
                writer.write(response(200, TOKEN))
            else:
                junk.value += 1
                await asyncio.sleep(JUNK_S)
                writer.write(response(status.value, {"error": "invalid_grant"}))
        await converse(reader, writer, answer)

    await asyncio.start_server(connected, sock=held, backlog=4096)
    inside.tell("listening")
    while not inside.is_over():
        await asyncio.sleep(0.1)
