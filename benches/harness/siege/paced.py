"""Load at a fixed rate, whatever the server does: a request is due at its time, and
its latency counts from then, also if no earlier one is answered yet."""

import asyncio
import time
from collections import Counter
from pathlib import Path
from statistics import median

from .answers import Broken, Client, Refused, refresh
from .aside import Inside

PATIENCE_S = 40
IDLE_CLIENTS = 64


def load(inside: Inside, port: int, authids: Path, rate: int, seconds: float) -> dict:
    """Work for an Aside. The AuthIDs are taken in turn."""
    return asyncio.run(Paced(port, authids.read_text().split()).run(inside, rate, seconds))


class Paced:
    """The clients of one service."""

    def __init__(self, port: int, authids: list[str]):
        self._port = port
        self._requests = [refresh(authid) for authid in authids]
        self._idle: list[Client] = []
        # A status or what went wrong, and milliseconds.
        self._seen: list[tuple[str, float]] = []

    async def run(self, inside: Inside, rate: int, seconds: float) -> dict:
        begin, asked, under_way = time.monotonic(), 0, set()
        while (now := time.monotonic()) < begin + seconds and not inside.is_over():
            while (due := begin + asked / rate) <= now:
                request = self._requests[asked % len(self._requests)]
                task = asyncio.create_task(self.ask(request, due))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                asked += 1
            await asyncio.sleep(max(due - time.monotonic(), 0))
        in_time = Counter(outcome for outcome, _ in self._seen)
        inside.tell({"asked": asked})
        if under_way:
            await asyncio.wait(under_way)
        for client in self._idle:
            client.close()
        return {"asked": asked, "answered_per_s": in_time["200"] / seconds,
                "outcomes": self.outcomes()}

    async def ask(self, request: bytes, due: float) -> None:
        client = self._idle.pop() if self._idle else Client(self._port)
        try:
            async with asyncio.timeout(PATIENCE_S):
                outcome = str((await client.ask(request)).status)
        except TimeoutError:
            outcome = "no answer"
        except Refused:
            outcome = "refused"
        except Broken:
            outcome = "broken"
        self._seen.append((outcome, (time.monotonic() - due) * 1e3))
        if outcome.isdigit() and len(self._idle) < IDLE_CLIENTS:
            self._idle.append(client)
        else:
            client.close()

    def outcomes(self) -> dict:
        by_outcome: dict[str, list[float]] = {}
        for outcome, milliseconds in self._seen:
            by_outcome.setdefault(outcome, []).append(milliseconds)
        return {outcome: {"count": len(times), "p50_ms": percentile(times, 50),
                          "p99_ms": percentile(times, 99), "most_ms": max(times)}
                for outcome, times in sorted(by_outcome.items())}


def summary(rounds: list[dict]) -> dict:
    """Medians of what `load` returned in each round, and all that failed."""
    good = [one["outcomes"].get("200", {}) for one in rounds]
    return {
        "requests_per_s": median(one["answered_per_s"] for one in rounds),
        **{name: median(one.get(name, float("inf")) for one in good) for name in ("p50_ms", "p99_ms")},
        "failed": sum(one["asked"] - seen.get("count", 0) for one, seen in zip(rounds, good)),
    }


def percentile(values: list[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)]
