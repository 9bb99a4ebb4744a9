"""A provider that takes each refresh token once, and counts those that come again."""

import asyncio
from itertools import count
from typing import Any
from urllib.parse import parse_qs

from .aside import CONTEXT, Inside
from .provider import TOKEN, RunningProvider, converse, response


class SingleUseProvider(RunningProvider):
    def __init__(self, deadline_s: float):
        self._refreshes, self._replays = CONTEXT.Value("i", 0), CONTEXT.Value("i", 0)
        super().__init__(_serve, self._refreshes, self._replays, deadline_s=deadline_s)

    def figures(self) -> dict:
        return {"refreshes": self._refreshes.value, "replays": self._replays.value}


def _serve(inside: Inside, held: Any, refreshes: Any, replays: Any) -> None:
    asyncio.run(_listen(inside, held, refreshes, replays))


async def _listen(inside: Inside, held: Any, refreshes: Any, replays: Any) -> None:
    used, numbers = set(), count()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def answer(form: bytes) -> None:
            token = parse_qs(form.decode()).get("refresh_token", [""])[0]
            if token in used:
                replays.value += 1
                writer.write(response(400, {"error": "invalid_grant"}))
                return
            used.add(token)
            refreshes.value += 1
            writer.write(response(200, TOKEN | {"refresh_token": f"{next(numbers):0110}"}))
        await converse(reader, writer, answer)

    await asyncio.start_server(connected, sock=held, backlog=4096)
    inside.tell("listening")
    while not inside.is_over():
        await asyncio.sleep(0.1)
