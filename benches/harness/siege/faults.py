"""One provider fails, in every way that providers fail; the clients of another
must not notice."""

import time
from statistics import median

from ..authseal import SERVICE, Authseal, Provider
from ..bed import Bed, first_line
from ..table import WIDTH, head, row
from .answers import Broken, Client, Refused
from .aside import Aside
from .bounds import MOST_FILES, Bounds
from .faulty_provider import FAULTS, HEALTHY, FaultyProvider
from .options import Options
from .paced import PATIENCE_S, load
from .watch import Watch

OTHER = "faulty"
RATE, OTHER_RATE = 200, 200  # requests a second
AUTHIDS = 10_000  # of each; none is asked twice while its first call is under way
# The whole deadline of a call, after which a black hole shows.
LONGER = {"black hole": 25, "drip": 25}
RECOVERS_WITHIN_S = 15
MOST_GROWTH_BYTES = 100e6
# At a rate that the machine can bear, a quiet neighbour adds this much at most.
MOST_P50_RATIO, P50_LEEWAY_MS = 2.0, 5.0
MOST_P99_RATIO, P99_LEEWAY_MS = 3.0, 50.0
LEAST_REQUESTS = 0.95


def run(bed: Bed, options: Options) -> dict:
    rounds_s = len(FAULTS) * options.rounds * (2 * options.seconds + 25 + PATIENCE_S + RECOVERS_WITHIN_S)
    with FaultyProvider(deadline_s=rounds_s + 60) as provider:
        authseal = bed.authseal_of([Provider(SERVICE, bed.brief_stub), Provider(OTHER, provider.url)])
        bounds, faults = Bounds(), {}
        for fault in FAULTS:
            rounds = [one_round(bed, authseal, provider, mode, fault, options)
                      for number in range(options.rounds)
                      for mode in ((HEALTHY, fault) if number % 2 == 0 else (fault, HEALTHY))]
            faults[fault] = summary(fault, rounds)
            check(bounds, fault, faults[fault])
        bed.programs.stop(authseal.program)
    return {"faults": faults, "broken": bounds.broken}


def one_round(bed: Bed, authseal: Authseal, provider: FaultyProvider, mode: str, fault: str,
              options: Options) -> dict:
    """Load on both services at once. Both rounds of a pair last as long."""
    seconds = max(options.seconds, LONGER.get(fault, 0))
    provider.become(mode)
    patience = seconds + PATIENCE_S + 10
    with (Watch(authseal.program) as watch,
          Aside(load, authseal.port, bed.authids(AUTHIDS), RATE, seconds, deadline_s=patience) as healthy,
          Aside(load, authseal.port, bed.authids(AUTHIDS, OTHER), OTHER_RATE, seconds,
                deadline_s=patience) as faulty):
        result = {"mode": mode, "healthy": healthy.result(patience), "faulty": faulty.result(patience)}
    provider.become(HEALTHY)
    recovery = recovery_s(authseal, first_line(bed.authids(1, OTHER))) if mode == fault else 0.0
    return result | watch.figures() | {"recovery_s": recovery}


def recovery_s(authseal: Authseal, authid: str) -> float | None:
    """How long until the provider's clients get tokens again."""
    begin = time.monotonic()
    while (waited := time.monotonic() - begin) < RECOVERS_WITHIN_S:
        try:
            authseal.refresh(authid)
            return waited
        except OSError:
            time.sleep(0.1)
    return None


def summary(fault: str, rounds: list[dict]) -> dict:
    sides = {"without": [one for one in rounds if one["mode"] == HEALTHY],
             "with": [one for one in rounds if one["mode"] == fault]}

    def figures(of: list[dict]) -> dict:
        mine = [one["healthy"] for one in of]
        good = [one["outcomes"].get("200", {}) for one in mine]
        return {
            "requests_per_s": median(one["answered_per_s"] for one in mine),
            "p50_ms": median(one.get("p50_ms", float("inf")) for one in good),
            "p99_ms": median(one.get("p99_ms", float("inf")) for one in good),
            "failed": sum(one["asked"] - seen.get("count", 0) for one, seen in zip(mine, good)),
        }

    recoveries = [one["recovery_s"] for one in sides["with"]]
    return {
        **{side: figures(of) for side, of in sides.items()},
        "others": sides["with"][-1]["faulty"],
        "growth_bytes": max(one["growth_bytes"] for one in rounds),
        "peak_files": max(one["peak_files"] for one in rounds),
        "recovery_s": None if None in recoveries else max(recoveries),
        "rounds": rounds,
    }


def check(bounds: Bounds, fault: str, seen: dict) -> None:
    quiet, disturbed, others = seen["without"], seen["with"], seen["others"]["outcomes"]
    bounds.at_most(f"{fault}: failed requests of the healthy provider", disturbed["failed"], 0)
    bounds.at_least(f"{fault}: requests/s ratio of the healthy provider",
                    disturbed["requests_per_s"] / max(quiet["requests_per_s"], 1), LEAST_REQUESTS)
    bounds.at_most(f"{fault}: p50 of the healthy provider, ms", disturbed["p50_ms"],
                   quiet["p50_ms"] * MOST_P50_RATIO + P50_LEEWAY_MS)
    bounds.at_most(f"{fault}: p99 of the healthy provider, ms", disturbed["p99_ms"],
                   quiet["p99_ms"] * MOST_P99_RATIO + P99_LEEWAY_MS)
    unanswered = sum(others[outcome]["count"] for outcome in others if not outcome.isdigit())
    bounds.at_most(f"{fault}: requests without an answer", unanswered, 0)
    bounds.holds(f"{fault}: no token within {RECOVERS_WITHIN_S} s of its end", seen["recovery_s"] is not None)
    bounds.at_most(f"{fault}: file descriptors", seen["peak_files"], MOST_FILES)
    bounds.at_most(f"{fault}: memory growth, bytes", seen["growth_bytes"], MOST_GROWTH_BYTES)


def show(result: dict) -> list[str]:
    lines = []
    for fault, seen in result["faults"].items():
        lines.append(head(f"faults, {fault}: {FAULTS[fault]}", "without", "with fault", "ratio"))
        for field, label, form in (("requests_per_s", "healthy provider, requests/s", "{:,.0f}"),
                                   ("p50_ms", "healthy provider, p50, ms", "{:.2f}"),
                                   ("p99_ms", "healthy provider, p99, ms", "{:.2f}")):
            quiet, disturbed = seen["without"][field], seen["with"][field]
            lines.append(row(label, form.format(quiet), form.format(disturbed),
                             f"{disturbed / max(quiet, 1e-9):.2f}"))
        lines.append(row("healthy provider, failed", *(f"{seen[side]['failed']:,}"
                                                       for side in ("without", "with"))))
        lines += [row(f"its clients: {outcome}", f"{of['count']:,}", f"p50 {of['p50_ms'] / 1e3:.2f} s",
                      f"max {of['most_ms'] / 1e3:.2f} s") for outcome, of in seen["others"]["outcomes"].items()]
        recovery = "never" if seen["recovery_s"] is None else f"{seen['recovery_s']:.1f} s"
        lines += [row("descriptors at most, memory growth, recovery", f"{seen['peak_files']:,}",
                      f"{seen['growth_bytes'] / 1e6:.1f} MB", recovery), ""]
    return lines[:-1]
