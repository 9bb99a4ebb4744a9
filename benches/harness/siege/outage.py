"""A provider fails for a while under backups that need a token: what they lose, what the
provider is asked, and how long people wait for the reason. Beside an older build, if one is
named."""

import asyncio
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from ..authseal import Provider
from ..bed import Bed
from ..table import head, row
from .aside import Aside, Inside
from .backups import BACKENDS, Backup, Ended
from .bounds import Bounds
from .faulty_provider import HEALTHY, FaultyProvider
from .options import Options

CLIENTS = 50
LENGTHS_S = [0.5, 2, 5, 15, 60]
SERVICE = "failing"
BEFORE, NOW = "before", "now"
# Name, the provider's mode, what its table says of refresh tokens, and whether the operations
# begin all at once, as scheduled backups do, or evenly over the outage.
CASES = [
    ("answers 500", "500 flood", "stable", False),
    ("answers 500, all ask at once", "500 flood", "stable", True),
    ("answers 500, single-use tokens", "500 flood", "single-use", False),
    ("refuses connections", "dead", "stable", False),
    ("is silent", "black hole", "stable", False),
]
SETTLES_S = 0.2  # until the provider has noticed that it fails
APART_S = 1.0  # between the begins of two that run beside each other
# Of two runs, one has a few calls more under way when the first one fails; up to all, where
# all ask at once.
NOISE_REQUESTS = 5
LASTS_S = 400  # longer than any operation
MOST_WAIT_S = 25
# A backup's six calls outlast this for certain; about a minute is their limit.
OUTLASTED_S, MOST_LOST_OF_LONG = 15, 10


def run(bed: Bed, options: Options) -> dict:
    binaries = {BEFORE: options.before, NOW: bed.binary} if options.before else {NOW: bed.binary}
    bounds, cases = Bounds(), {}
    for name, fault, refresh_tokens, at_once in CASES:
        cases[name] = one_case(bed, binaries, fault, refresh_tokens, at_once)
        check(bounds, name, cases[name], CLIENTS if at_once else NOISE_REQUESTS)
    return {"cases": cases, "broken": bounds.broken}


def one_case(bed: Bed, binaries: dict[str, Path], fault: str, refresh_tokens: str, at_once: bool) -> dict:
    """Every length at every build, beside each other: each has a provider of its own, and
    none does much."""
    seen: dict[str, dict] = {side: {} for side in binaries}
    with ExitStack() as open_ones:
        running = []
        for side, binary in binaries.items():
            for length_s in LENGTHS_S:
                provider = open_ones.enter_context(FaultyProvider(deadline_s=LASTS_S + 60))
                build = Bed(bed.programs, binary, bed.folder)
                authseal = build.authseal_of([Provider(SERVICE, provider.url, refresh_tokens)])
                authids = bed.new_authids(CLIENTS, SERVICE)
                running.append((side, length_s, provider, authseal, authids))
        asides = []
        for _, length_s, provider, authseal, authids in running:
            spread_s = 0 if at_once else length_s
            asides.append(open_ones.enter_context(Aside(
                suffer, authseal.port, authids, provider, fault, length_s, spread_s, deadline_s=LASTS_S)))
            time.sleep(APART_S)
        for (side, length_s, provider, authseal, _), aside in zip(running, asides):
            ended = aside.result(timeout_s=LASTS_S)
            seen[side][length_s] = summary(ended) | {"provider_requests": provider.asked()}
            bed.programs.stop(authseal.program)
    return seen


def suffer(inside: Inside, port: int, authids: list[str], provider: FaultyProvider, fault: str,
           length_s: float, spread_s: float) -> list[tuple[Ended, Ended]]:
    """Work for an Aside: an outage, and operations that begin evenly over a part of it."""
    return asyncio.run(_suffer(port, authids, provider, fault, length_s, spread_s))


async def _suffer(port: int, authids: list[str], provider: FaultyProvider, fault: str,
                  length_s: float, spread_s: float) -> list[tuple[Ended, Ended]]:
    async def begin(number: int, authid: str) -> tuple[Ended, Ended]:
        await asyncio.sleep(spread_s * number / len(authids))
        return await Backup(port, authid, BACKENDS[number % len(BACKENDS)]).operation()

    async def end() -> None:
        await asyncio.sleep(length_s)
        provider.become(HEALTHY)

    provider.become(fault)
    await asyncio.sleep(SETTLES_S)
    *ended, _ = await asyncio.gather(*(begin(*one) for one in enumerate(authids)), end())
    return ended


def summary(ended: list[tuple[Ended, Ended]]) -> dict:
    failed = [first for first, _ in ended if not first.has_token]
    told = sorted(first.seconds for first in failed if first.reads_why)
    tokens = sorted(whole.seconds for _, whole in ended if whole.has_token)
    return {
        "operations": len(ended),
        "lost": sum(not whole.has_token for _, whole in ended),
        "first_failed": len(failed),
        "untold": len(failed) - len(told),
        "told_p50_s": median(told) if told else None,
        "told_most_s": told[-1] if told else None,
        "token_p50_s": median(tokens) if tokens else None,
        "token_most_s": tokens[-1] if tokens else None,
    }


def check(bounds: Bounds, name: str, seen: dict, noise_requests: int) -> None:
    for length_s, now in seen[NOW].items():
        what = f"{name} for {length_s:g} s: "
        bounds.at_most(f"{what}operations lost", now["lost"], MOST_LOST_OF_LONG if length_s > OUTLASTED_S else 0)
        bounds.at_most(f"{what}people who read no reason", now["untold"], 0)
        bounds.at_most(f"{what}seconds until the reason", now["told_most_s"] or 0, MOST_WAIT_S)
        if BEFORE in seen:
            bounds.at_most(f"{what}requests to the provider", now["provider_requests"],
                           seen[BEFORE][length_s]["provider_requests"] + noise_requests)


def show(result: dict) -> list[str]:
    lines = []
    for name, seen in result["cases"].items():
        sides = list(seen)
        lines.append(head(f"outage: the provider {name}", *sides))
        for length_s in LENGTHS_S:
            of = [seen[side][length_s] for side in sides]
            lines += [
                row(f"{length_s:g} s: operations lost, of {CLIENTS}", *(str(one["lost"]) for one in of)),
                row("  requests to the provider", *(str(one["provider_requests"]) for one in of)),
                row("  calls that failed for a person", *(str(one["first_failed"]) for one in of)),
                row("  of which without a reason", *(str(one["untold"]) for one in of)),
                row("  s until the reason, p50 / most", *(span(one, "told") for one in of)),
                row("  s until the token, p50 / most", *(span(one, "token") for one in of)),
            ]
        lines.append("")
    return lines[:-1]


def span(one: dict, what: str) -> str:
    p50, most = one[f"{what}_p50_s"], one[f"{what}_most_s"]
    return "-" if p50 is None else f"{p50:.1f} / {most:.1f}"
