"""5,000 half-open connections, and the clients that want to be served all the same."""

from pathlib import Path
from statistics import median

from ..authseal import Authseal
from ..bed import Bed
from ..table import head, row
from . import clients
from .aside import Aside
from .attackers import Crowd, besiege
from .bounds import Bounds
from .options import Options
from .rounds import compared, failures, interleaved, most
from .watch import Watch, wait_for_few_files

ATTACKERS = 5_000
BACK_AFTER_S = 1.0
# Whoever waits longest without ever having asked is displaced first. The second
# attack leaves none of those but new clients, the third nobody who waits.
ATTACKS = {"half a head": ("silent", "half a head", "half a head"),
           "asked once": ("asked once",), "half a body": ("half a body",)}
SORTS = {"keep-alive": False, "new connections": True}
LEAST_REQUESTS = 0.8  # of those without the attack
MOST_P99_US = 100_000


def run(bed: Bed, options: Options) -> dict:
    authseal, authids = clients.served(bed)
    bounds, attacks = Bounds(), {}
    for name, kinds in ATTACKS.items():
        attacks[name] = summary(interleaved(options.rounds, lambda is_attacked: one_round(
            authseal, authids, kinds if is_attacked else None, options.seconds)))
        check(bounds, name, attacks[name])
    bed.programs.stop(authseal.program)
    return {"attacks": attacks, "broken": bounds.broken}


def one_round(authseal: Authseal, authids: Path, kinds: tuple[str, ...] | None, seconds: int) -> dict:
    """Both sorts of clients, one after the other, in the same conditions."""
    def served() -> dict:
        return {sort: clients.ask(authseal, authids, seconds, closes) for sort, closes in SORTS.items()}

    wait_for_few_files(authseal.program, 200)
    with Watch(authseal.program) as watch:
        if kinds is None:
            return {"clients": served()}
        crowd = Crowd(authseal.port, ATTACKERS, kinds, BACK_AFTER_S)
        with Aside(besiege, crowd, deadline_s=seconds * 2 + 60) as attack:
            attack.wait_until(lambda seen: seen["opened"] >= ATTACKERS, timeout_s=15)
            figures = {"clients": served(), "attack": attack.stop()}
    return figures | watch.figures()


def summary(rounds: dict[str, list[dict]]) -> dict:
    def medians(side: str, sort: str) -> dict:
        seen = [one["clients"][sort] for one in rounds[side]]
        return {name: median(one[name] for one in seen) for name in seen[0]} \
            | {"failed": sum(one["failed"] for one in seen)}

    return {"clients": {sort: {side: medians(side, sort) for side in rounds} for sort in SORTS},
            **most(rounds["with"]), "rounds": rounds}


def check(bounds: Bounds, name: str, attack: dict) -> None:
    for sort, seen in attack["clients"].items():
        where = f"{name}, {sort}"
        ratio = seen["with"]["requests_per_s"] / max(seen["without"]["requests_per_s"], 1)
        bounds.at_most(f"{where}: failed requests", seen["with"]["failed"], 0)
        bounds.at_least(f"{where}: requests/s ratio", ratio, LEAST_REQUESTS)
        bounds.at_most(f"{where}: p99, µs", seen["with"]["p99_us"], MOST_P99_US)
    bounds.of_resources(attack, f"{name}: ")


def show(result: dict) -> list[str]:
    lines = []
    for name, attack in result["attacks"].items():
        for sort, seen in attack["clients"].items():
            lines += [head(f"slowloris ({name}), {sort}", "without", "attacked", "ratio"),
                      *compared(seen, ("requests_per_s", "requests/s", "{:,.0f}"), ("p50_us", "p50, µs", "{:,.0f}"),
                                ("p99_us", "p99, µs", "{:,.0f}"), ("cpu_us", "CPU time per request, µs", "{:,.0f}")),
                      failures("failed requests", seen)]
        last = attack["rounds"]["with"][-1]["attack"]
        lines += [
            row("file descriptors at most", "", f"{attack['peak_files']:,}"),
            row("memory growth", "", f"{attack['growth_bytes'] / 1e6:.1f} MB"),
            row("attackers: opened, closed by the server", f"{last['opened']:,}", f"{last['closed']:,}"),
            row("attackers: open at the end, CPU time", f"{last['open']:,}", f"{last['cpu_s']:.1f} s"),
            ""]
    return lines[:-1]
