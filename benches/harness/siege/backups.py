"""Duplicati's backends since 2.2, as far as a token goes: attempts, waits, limits and what a
person reads. docs/endpoints.md has what the real ones do; tests/support/clients is the same
model on a paused clock."""

import asyncio
import json
import time
from dataclasses import dataclass

from .answers import Answer, Broken, Client, Refused, refresh

BACKENDS = ["Dropbox", "Box", "Google Drive", "OneDrive"]
ATTEMPT_S, GOOGLE_DRIVE_S = 25, 30
WAITS_S = [1, 2, 4, 8, 16]
SENT_AGAIN = 4  # .NET, where a connection is closed unanswered
# A backup repeats a failed operation this often, after a pause.
REPEATS, REPEAT_AFTER_S = 5, 10


@dataclass
class Ended:
    """A call for a token, or an operation with all its calls."""

    has_token: bool
    reads_why: bool  # a person is shown the reason
    seconds: float


class Backup:
    """A backup whose next operation needs a new token."""

    def __init__(self, port: int, authid: str, backend: str):
        self._port, self._request, self._backend = port, refresh(authid), backend

    async def operation(self) -> tuple[Ended, Ended]:
        """Its first call for a token, after which Duplicati's test of a connection would give
        up, and the whole."""
        begin = time.monotonic()
        first = ended = await self._call()
        for _ in range(REPEATS):
            if ended.has_token:
                break
            await asyncio.sleep(REPEAT_AFTER_S)
            ended = await self._call()
        return first, Ended(ended.has_token, ended.reads_why, time.monotonic() - begin)

    async def _call(self) -> Ended:
        begin, limit = time.monotonic(), GOOGLE_DRIVE_S if self._backend == "Google Drive" else None
        client = Client(self._port)
        try:
            async with asyncio.timeout(limit):
                last = await self._attempts(client)
        except TimeoutError:
            last = None
        finally:
            client.close()
        has_token = last is not None and last.status == 200
        return Ended(has_token, self._shows_reason(last), time.monotonic() - begin)

    async def _attempts(self, client: Client) -> Answer | None:
        """The last answer; `None` if that was none."""
        last = await self._attempt(client)
        for retry, wait in enumerate(WAITS_S):
            is_refused = last is not None and 400 <= last.status < 500
            if last is not None and (last.status == 200 or (last.status == 503 and "x-reason" in last.headers)):
                break
            if is_refused and retry > 0:
                break
            await asyncio.sleep(wait)
            last = await self._attempt(client)
        return last

    async def _attempt(self, client: Client) -> Answer | None:
        try:
            async with asyncio.timeout(ATTEMPT_S):
                for _ in range(SENT_AGAIN):
                    try:
                        return await client.ask(self._request)
                    except (Broken, Refused):
                        continue
        except TimeoutError:
            client.close()
        return None

    def _shows_reason(self, last: Answer | None) -> bool:
        if last is None or last.status == 200:
            return False
        if last.status == 503 and last.headers.get("x-reason"):
            return True
        match self._backend:
            case "Dropbox":
                return not _is_json(last.body)
            case "Box":
                return bool(last.body.strip())
            case _:
                return bool(last.headers.get("x-reason"))


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True
