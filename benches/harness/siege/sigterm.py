"""SIGTERM in the midst of load: whoever was let in is answered."""

import asyncio
import random
import subprocess
import time
from collections import Counter
from pathlib import Path

from ..authseal import SERVICE, Authseal, Provider
from ..bed import Bed
from ..load import Load, send_all
from ..table import head, row
from .answers import END_OF_HEAD, FORM, Answer, Broken, Client, Refused, post, refresh
from .aside import Aside, Inside
from .bounds import Bounds
from .faults import OTHER
from .faulty_provider import FaultyProvider
from .http2 import Http2Client, NotTaken
from .options import Options

PROCESSES, CLIENTS = 2, 32  # of each process
LOAD_S = 1.5  # before the signal
CALL_S = 1.0  # of a provider that is being waited for
EXITS_WITHIN_S = 5.0
REST_WITHIN_S = 2.0  # of a request that is sent in two halves
AUTHIDS = 1_000
CALLS = "calls under way"
KINDS = {"keep-alive": "keep-alive, cached", "new connections": "new connections, cached",
         CALLS: f"provider calls of {CALL_S:.0f} s under way",
         "half heads": "half a head, its rest later", "half forms": "half a form, its rest later",
         "HTTP/2": "HTTP/2, cached"}


def run(bed: Bed, options: Options) -> dict:
    bounds, kinds = Bounds(), {}
    deadline_s = len(KINDS) * options.rounds * 120
    with FaultyProvider(deadline_s, slow_s=CALL_S) as provider:
        provider.become("slow")
        for kind in KINDS:
            kinds[kind] = [one_round(bed, provider, kind) for _ in range(options.rounds)]
            check(bounds, kind, kinds[kind])
    return {"kinds": kinds, "broken": bounds.broken}


def one_round(bed: Bed, provider: FaultyProvider, kind: str) -> dict:
    authseal = bed.authseal_of([Provider(SERVICE, bed.lasting_stub), Provider(OTHER, provider.url)])
    authids = bed.authids(AUTHIDS, OTHER if kind == CALLS else SERVICE)
    if kind != CALLS:
        send_all(Load(2, 20, 1), authseal.address, authids)
    before = provider.asked()
    asides = [Aside(ask_until_refused, authseal.port, authids, kind, number, deadline_s=120)
              for number in range(PROCESSES)]
    try:
        time.sleep(LOAD_S)
        exit_s, status = terminate(authseal)
        seen = sum((aside.result(timeout_s=60) for aside in asides), Counter())
    finally:
        for aside in asides:
            aside.__exit__()
    bed.programs.stop(authseal.program)
    names = ("asked", "answered", "late", "told", "other", "broken", "not_taken", "refused")
    return {name: seen[name] for name in names} \
        | {"calls": provider.asked() - before, "exit_s": exit_s, "exit_code": status}


def terminate(authseal: Authseal) -> tuple[float, int | None]:
    """How long it took to leave, and its exit code; no code if it had to be killed."""
    process, begin = authseal.program.process, time.monotonic()
    process.terminate()
    try:
        code = process.wait(timeout=90)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        code = None
    return time.monotonic() - begin, code


def ask_until_refused(inside: Inside, port: int, path: Path, kind: str, number: int) -> Counter:
    """Work for an Aside: clients that ask without pause, until nobody listens."""
    authids = path.read_text().split()[number::PROCESSES]
    return asyncio.run(_all_clients(inside, port, kind, authids))


async def _all_clients(inside: Inside, port: int, kind: str, authids: list[str]) -> Counter:
    counts: Counter = Counter()
    make = Http2 if kind == "HTTP/2" else Http1
    await asyncio.gather(*(_one_client(inside, make(port, kind, first), authids[first::CLIENTS], counts)
                           for first in range(CLIENTS)))
    return counts


class Http1:
    """Sends requests whole or in two halves, on kept connections or new ones."""

    def __init__(self, port: int, kind: str, number: int):
        self._client, self._kind = Client(port), kind
        # Halves come on both.
        closes = kind == "new connections" or (kind.startswith("half") and number % 2 == 1)
        self._headers = ["Connection: close"] if closes else []
        self.close = self._client.close

    async def ask(self, authid: str) -> Answer:
        whole = refresh(authid, *self._headers)
        match self._kind:
            case "half heads":
                at = len(whole) // 2
            case "half forms":
                form = f"authid={authid}".encode()
                whole = post("/refresh", FORM, f"Content-Length: {len(form)}", *self._headers) + form
                at = whole.index(END_OF_HEAD) + len(END_OF_HEAD) + len(form) // 2
            case _:
                return await self._client.ask(whole)
        return await self._client.ask(whole[:at], whole[at:], random.uniform(0, REST_WITHIN_S))


class Http2:
    def __init__(self, port: int, *_: object):
        self._client = Http2Client(port)
        self.close = self._client.close

    async def ask(self, authid: str) -> Answer:
        return await self._client.ask("/refresh", "x-authid", authid)


async def _one_client(inside: Inside, client: Http1 | Http2, authids: list[str], counts: Counter) -> None:
    at = 0
    while not inside.is_over():
        counts["asked"] += 1
        try:
            answer = await asyncio.wait_for(client.ask(authids[at % len(authids)]), 30)
        except Refused:  # nothing was asked: another server would have been
            counts.update(asked=-1, refused=1)
            break
        except NotTaken:
            counts.update(asked=-1, not_taken=1)
        except (Broken, TimeoutError):
            client.close()
            counts["broken"] += 1
        else:
            counts[judged(answer)] += 1
            counts["late"] += answer.closes()
        at += 1
    client.close()


def judged(answer: Answer) -> str:
    match answer.status:
        case 200:
            return "answered"
        case 502 if "x-reason" in answer.headers:
            return "told"
        case _:
            return "other"


def check(bounds: Bounds, kind: str, rounds: list[dict]) -> None:
    for seen in rounds:
        bounds.at_least(f"{kind}: requests", seen["asked"], CLIENTS * PROCESSES)
        bounds.at_most(f"{kind}: broken requests", seen["broken"], 0)
        bounds.at_most(f"{kind}: answers other than 200 and 502 with a reason", seen["other"], 0)
        if kind == CALLS:
            bounds.at_most(f"{kind}: provider calls", seen["calls"], seen["asked"])
        bounds.at_most(f"{kind}: seconds until it left", seen["exit_s"], EXITS_WITHIN_S)
        bounds.holds(f"{kind}: exit code {seen['exit_code']}", seen["exit_code"] == 0)


def show(result: dict) -> list[str]:
    lines = []
    for kind, rounds in result["kinds"].items():
        lines.append(head(f"sigterm: {KINDS[kind]}", "200", "502", "broken", "exit"))
        for number, seen in enumerate(rounds, 1):
            lines.append(row(f"round {number}: {seen['asked']:,} requests, {seen['calls']} provider calls",
                             f"{seen['answered']:,}", f"{seen['told']:,}", f"{seen['broken']:,}",
                             f"{seen['exit_s']:.2f} s, {seen['exit_code']}"))
    return lines
