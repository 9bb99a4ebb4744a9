"""One provider fails, in every way that providers fail; the clients of another
must not notice."""

import time

from ..authseal import SERVICE, Authseal, Provider
from ..bed import Bed, first_line
from ..table import head, row
from . import paced
from .aside import Aside
from .bounds import Bounds
from .faulty_provider import FAULTS, HEALTHY, FaultyProvider
from .options import Options
from .paced import PATIENCE_S, load
from .rounds import compared, failures, interleaved, most
from .watch import Watch

OTHER = "faulty"
RATE, OTHER_RATE = 200, 200  # requests a second
AUTHIDS = 10_000  # of each; none is asked twice while its first call is under way
# The whole deadline of a call, after which a black hole shows.
LONGER = {"black hole": 25, "drip": 25}
RECOVERS_WITHIN_S = 15
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
            faults[fault] = summary(interleaved(options.rounds, lambda is_faulty: one_round(
                bed, authseal, provider, fault, is_faulty, options)))
            check(bounds, fault, faults[fault])
        bed.programs.stop(authseal.program)
    return {"faults": faults, "broken": bounds.broken}


def one_round(bed: Bed, authseal: Authseal, provider: FaultyProvider, fault: str, is_faulty: bool,
              options: Options) -> dict:
    """Load on both services at once. Both rounds of a pair last as long."""
    seconds = max(options.seconds, LONGER.get(fault, 0))
    provider.become(fault if is_faulty else HEALTHY)
    patience = seconds + PATIENCE_S + 10
    with (Watch(authseal.program) as watch,
          Aside(load, authseal.port, bed.authids(AUTHIDS), RATE, seconds, deadline_s=patience) as healthy,
          Aside(load, authseal.port, bed.authids(AUTHIDS, OTHER), OTHER_RATE, seconds,
                deadline_s=patience) as faulty):
        result = {"healthy": healthy.result(patience), "faulty": faulty.result(patience)}
    provider.become(HEALTHY)
    recovery = recovery_s(authseal, first_line(bed.authids(1, OTHER))) if is_faulty else 0.0
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


def summary(rounds: dict[str, list[dict]]) -> dict:
    recoveries = [one["recovery_s"] for one in rounds["with"]]
    return {
        **{side: paced.summary([one["healthy"] for one in of]) for side, of in rounds.items()},
        "others": rounds["with"][-1]["faulty"],
        **most(rounds["without"] + rounds["with"]),
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
    bounds.of_resources(seen, f"{fault}: ")


def show(result: dict) -> list[str]:
    lines = []
    for fault, seen in result["faults"].items():
        lines += [head(f"faults, {fault}: {FAULTS[fault]}", "without", "with fault", "ratio"),
                  *compared(seen, ("requests_per_s", "healthy provider, requests/s", "{:,.0f}"),
                            ("p50_ms", "healthy provider, p50, ms", "{:.2f}"),
                            ("p99_ms", "healthy provider, p99, ms", "{:.2f}")),
                  failures("healthy provider, failed", seen)]
        lines += [row(f"its clients: {outcome}", f"{of['count']:,}", f"p50 {of['p50_ms'] / 1e3:.2f} s",
                      f"max {of['most_ms'] / 1e3:.2f} s") for outcome, of in seen["others"]["outcomes"].items()]
        recovery = "never" if seen["recovery_s"] is None else f"{seen['recovery_s']:.1f} s"
        lines += [row("descriptors at most, memory growth, recovery", f"{seen['peak_files']:,}",
                      f"{seen['growth_bytes'] / 1e6:.1f} MB", recovery), ""]
    return lines[:-1]
