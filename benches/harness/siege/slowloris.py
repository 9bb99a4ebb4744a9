"""5,000 half-open connections, and the clients that want to be served all the same."""

from statistics import median

from ..authseal import Authseal
from ..bed import Bed
from ..load import Load, measure, send_all, wrk
from ..table import head, row
from .aside import Aside
from .attackers import Crowd, besiege
from .bounds import MOST_FILES, Bounds
from .options import Options
from .watch import Watch, wait_for_few_files

ATTACKERS = 5_000
BACK_AFTER_S = 1.0
# Whoever waits longest without ever having asked is displaced first. The second
# attack leaves none of those but new clients, the third nobody who waits.
ATTACKS = {"half a head": ("silent", "half a head", "half a head"),
           "asked once": ("asked once",), "half a body": ("half a body",)}
AUTHIDS = 1_000
CLIENTS = 20
PAUSE_MS = 20  # each sends about fifty requests a second
LEAST_REQUESTS = 0.8  # of those without the attack
MOST_P99_US = 100_000
MOST_GROWTH_BYTES = 100e6


def run(bed: Bed, options: Options) -> dict:
    authseal = bed.authseal(bed.lasting_stub)
    authids = bed.authids(AUTHIDS)
    send_all(Load(2, CLIENTS, 1), authseal.address, authids)
    bounds, attacks = Bounds(), {}
    for name, kinds in ATTACKS.items():
        rounds = [one_round(authseal, authids, kinds if is_attacked else None, options)
                  for number in range(options.rounds)
                  for is_attacked in ((False, True) if number % 2 == 0 else (True, False))]
        attacks[name] = summary(rounds)
        check(bounds, name, attacks[name])
    bed.programs.stop(authseal.program)
    return {"attacks": attacks, "broken": bounds.broken}


def one_round(authseal: Authseal, authids, kinds: tuple[str, ...] | None, options: Options) -> dict:
    """Both sorts of clients, one after the other, in the same conditions."""
    wait_for_few_files(authseal.program, 200)
    with Watch(authseal.program) as watch:
        if kinds is None:
            figures = {"clients": clients(authseal, authids, options)}
        else:
            crowd = Crowd(authseal.port, ATTACKERS, kinds, BACK_AFTER_S)
            with Aside(besiege, crowd, deadline_s=options.seconds * 2 + 60) as attack:
                attack.wait_until(lambda seen: seen["opened"] >= ATTACKERS, timeout_s=15)
                figures = {"clients": clients(authseal, authids, options),
                           "attack": attack.stop()}
    return figures | watch.figures()


def clients(authseal: Authseal, authids, options: Options) -> dict:
    return {name: measure(Load(2, CLIENTS, options.seconds, PAUSE_MS, closes),
                          authseal.program, authseal.address, authids, run=wrk)
            for name, closes in (("keep-alive", False), ("new connections", True))}


def summary(rounds: list[dict]) -> dict:
    quiet = [one for one in rounds if "attack" not in one]
    attacked = [one for one in rounds if "attack" in one]

    def medians(of: list[dict], sort: str) -> dict:
        seen = [one["clients"][sort] for one in of]
        return {name: median(one[name] for one in seen) for name in seen[0]} \
            | {"failed": sum(one["failed"] for one in seen),
               "all_requests": sum(one["requests"] for one in seen)}

    return {
        "clients": {sort: {"quiet": medians(quiet, sort), "attacked": medians(attacked, sort)}
                    for sort in quiet[0]["clients"]},
        "growth_bytes": max(one["growth_bytes"] for one in attacked),
        "peak_files": max(one["peak_files"] for one in attacked),
        "rounds": rounds,
    }


def check(bounds: Bounds, name: str, attack: dict) -> None:
    for sort, seen in attack["clients"].items():
        where = f"{name}, {sort}"
        ratio = seen["attacked"]["requests_per_s"] / max(seen["quiet"]["requests_per_s"], 1)
        bounds.at_most(f"{where}: failed requests", seen["attacked"]["failed"], 0)
        bounds.at_least(f"{where}: requests/s ratio", ratio, LEAST_REQUESTS)
        bounds.at_most(f"{where}: p99, µs", seen["attacked"]["p99_us"], MOST_P99_US)
    bounds.at_most(f"{name}: file descriptors", attack["peak_files"], MOST_FILES)
    bounds.at_most(f"{name}: memory growth, bytes", attack["growth_bytes"], MOST_GROWTH_BYTES)


def show(result: dict) -> list[str]:
    lines = []
    for name, attack in result["attacks"].items():
        for sort, seen in attack["clients"].items():
            lines.append(head(f"slowloris ({name}), {sort}", "without", "attacked", "ratio"))
            for field, label in (("requests_per_s", "requests/s"), ("p50_us", "p50, µs"),
                                 ("p99_us", "p99, µs"), ("cpu_us", "CPU time per request, µs")):
                quiet, attacked = seen["quiet"][field], seen["attacked"][field]
                lines.append(row(label, f"{quiet:,.0f}", f"{attacked:,.0f}",
                                 f"{attacked / max(quiet, 1e-9):.2f}"))
            lines.append(row("failed requests", *(f"{seen[side]['failed']:,}"
                                                  for side in ("quiet", "attacked"))))
        last = [one["attack"] for one in attack["rounds"] if "attack" in one][-1]
        lines += [
            row("file descriptors at most", "", f"{attack['peak_files']:,}"),
            row("memory growth", "", f"{attack['growth_bytes'] / 1e6:.1f} MB"),
            row("attackers: opened, closed by the server", f"{last['opened']:,}", f"{last['closed']:,}"),
            row("attackers: open at the end, CPU time", f"{last['open']:,}", f"{last['cpu_s']:.1f} s"),
            ""]
    return lines[:-1]
