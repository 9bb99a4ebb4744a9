"""SIGTERM in the midst of load: whoever was let in is answered."""

import asyncio
import subprocess
import time
from collections import Counter
from pathlib import Path

from ..authseal import SERVICE, Authseal, Provider
from ..bed import Bed
from ..load import Load, send_all
from ..table import head, row
from .answers import Broken, Client, Refused, refresh
from .aside import Aside, Inside
from .bounds import Bounds
from .faults import OTHER
from .faulty_provider import FaultyProvider
from .options import Options

PROCESSES, CLIENTS = 2, 32  # of each process
LOAD_S = 1.5  # before the signal
CALL_S = 1.0  # of a provider that is being waited for
EXITS_WITHIN_S = 5.0
AUTHIDS = 1_000
KINDS = {"keep-alive": "keep-alive, cached", "new connections": "new connections, cached",
         "calls under way": f"provider calls of {CALL_S:.0f} s under way"}


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
    authids = bed.authids(AUTHIDS, OTHER if kind == "calls under way" else SERVICE)
    if kind != "calls under way":
        send_all(Load(2, 20, 1), authseal.address, authids)
    closes = kind == "new connections"
    asides = [Aside(ask_until_refused, authseal.port, authids, closes, number, deadline_s=120)
              for number in range(PROCESSES)]
    try:
        time.sleep(LOAD_S)
        exit_s, status = terminate(authseal)
        seen = sum((aside.result(timeout_s=60) for aside in asides), Counter())
    finally:
        for aside in asides:
            aside.__exit__()
    bed.programs.stop(authseal.program)
    return {name: seen[name] for name in ("asked", "answered", "late", "other", "broken", "refused")} \
        | {"exit_s": exit_s, "exit_code": status}


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


def ask_until_refused(inside: Inside, port: int, path: Path, closes: bool, number: int) -> Counter:
    """Work for an Aside: clients that ask without pause, until nobody listens."""
    authids = path.read_text().split()[number::PROCESSES]
    headers = ["Connection: close"] if closes else []
    requests = [refresh(authid, *headers) for authid in authids]
    return asyncio.run(_all_clients(inside, port, requests))


async def _all_clients(inside: Inside, port: int, requests: list[bytes]) -> Counter:
    counts: Counter = Counter()
    await asyncio.gather(*(_one_client(inside, port, requests[first::CLIENTS], counts)
                           for first in range(CLIENTS)))
    return counts


async def _one_client(inside: Inside, port: int, requests: list[bytes], counts: Counter) -> None:
    client, at = Client(port), 0
    while not inside.is_over():
        counts["asked"] += 1
        try:
            answer = await asyncio.wait_for(client.ask(requests[at % len(requests)]), 30)
        except Refused:  # nothing was asked: another server would have been
            counts.update(asked=-1, refused=1)
            break
        except (Broken, TimeoutError):
            client.close()
            counts["broken"] += 1
        else:
            counts["answered" if answer.status == 200 else "other"] += 1
            counts["late"] += answer.closes()
        at += 1
    client.close()


def check(bounds: Bounds, kind: str, rounds: list[dict]) -> None:
    for seen in rounds:
        bounds.at_least(f"{kind}: requests", seen["asked"], CLIENTS * PROCESSES)
        bounds.at_most(f"{kind}: broken requests", seen["broken"], 0)
        bounds.at_most(f"{kind}: answers other than 200", seen["other"], 0)
        bounds.at_most(f"{kind}: seconds until it left", seen["exit_s"], EXITS_WITHIN_S)
        bounds.holds(f"{kind}: exit code {seen['exit_code']}", seen["exit_code"] == 0)


def show(result: dict) -> list[str]:
    lines = []
    for kind, rounds in result["kinds"].items():
        lines.append(head(f"sigterm: {KINDS[kind]}", "answers", "broken", "exit"))
        for number, seen in enumerate(rounds, 1):
            lines.append(row(f"round {number}: {seen['asked']:,} requests, {seen['other']} not 200",
                             f"{seen['answered']:,}", f"{seen['broken']:,}",
                             f"{seen['exit_s']:.2f} s, {seen['exit_code']}"))
    return lines
