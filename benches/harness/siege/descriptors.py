"""Few file descriptors, and a burst of clients."""

import asyncio
import time
from collections import Counter
from pathlib import Path

from ..authseal import SERVICE, Authseal, Provider
from ..bed import Bed, first_line
from ..table import head, row
from .bounds import Bounds
from .options import Options

LIMITS = (48, 64, 256)
CLIENTS = 200
# Longer than each waits for its turn; clients keep their connections so long.
HOLD_S = 3
ANSWER_WITHIN_S = 30
RECOVERS_WITHIN_S = 5
LINES = 10


def run(bed: Bed, options: Options) -> dict:
    authid = first_line(bed.authids_of(bed.lasting_stub, 1))
    figures = {str(limit): one_limit(bed, limit, authid) for limit in LIMITS}
    return {"limits": figures, "broken": check(figures)}


def one_limit(bed: Bed, limit: int, authid: str) -> dict:
    authseal = Authseal(bed.programs, limited(bed, limit), bed.folder,
                        [Provider(SERVICE, bed.lasting_stub)])
    answers = asyncio.run(burst(authseal.port, authid))
    begin = time.monotonic()
    while not authseal.answers(authid) and time.monotonic() - begin < 60:
        time.sleep(0.1)
    recovered = time.monotonic() - begin
    lines = len(authseal.program.log.read_text().splitlines())
    bed.programs.stop(authseal.program)
    return {"answers": dict(answers), "recovered_s": recovered, "lines": lines}


def limited(bed: Bed, limit: int) -> Path:
    """A program that is authseal with so many descriptors."""
    script = bed.folder / f"authseal-{limit}"
    script.write_text(f"#!/bin/sh\nulimit -n {limit}\nexec '{bed.binary}' \"$@\"\n")
    script.chmod(0o755)
    return script


async def burst(port: int, authid: str) -> Counter:
    seen: Counter = Counter()
    await asyncio.gather(*(one_client(port, authid, seen) for _ in range(CLIENTS)))
    return seen


async def one_client(port: int, authid: str, seen: Counter) -> None:
    request = f"GET /refresh HTTP/1.1\r\nHost: localhost\r\nX-AuthID: {authid}\r\n\r\n"
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request.encode())
        line = await asyncio.wait_for(reader.readline(), ANSWER_WITHIN_S)
        seen[line[9:12].decode() or "closed"] += 1
        await asyncio.sleep(HOLD_S)
        writer.close()
    except TimeoutError:
        seen["late"] += 1
    except OSError:
        seen["reset"] += 1


def check(figures: dict) -> list[str]:
    bounds = Bounds()
    for limit, seen in figures.items():
        answered = seen["answers"].get("200", 0) + seen["answers"].get("502", 0)
        bounds.at_least(f"{limit} descriptors: answers", answered, CLIENTS)
        bounds.at_most(f"{limit} descriptors: seconds until it answers again",
                       seen["recovered_s"], RECOVERS_WITHIN_S)
        bounds.at_most(f"{limit} descriptors: log lines", seen["lines"], LINES)
    return bounds.broken


def show(result: dict) -> list[str]:
    lines = [head(f"{CLIENTS} clients, few descriptors", "answers", "again after")]
    for limit, seen in result["limits"].items():
        answers = ", ".join(f"{count} x {what}" for what, count in sorted(seen["answers"].items()))
        lines.append(row(f"{limit} descriptors", answers, f"{seen['recovered_s']:.2f} s"))
    return lines
