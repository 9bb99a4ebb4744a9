"""The measurements of `benches/run`, one function each."""

import sys
import time
from pathlib import Path
from statistics import median
from typing import Callable

from .authseal import form_bytes
from .bed import TOKEN_CHARACTERS, Bed, first_line, provider_calls
from .load import Load, flawless, measure, send_all
from .programs import Program

CACHED_AUTHIDS = 1_000
UNCACHED_AUTHIDS = 150_000
STORED_AUTHIDS = 20_000
MEMORY_AUTHIDS = 100_000
STARTS = 10


def cached(bed: Bed, load: Load, rounds: int) -> dict:
    """/refresh from the cache beside a bare server with the same answer."""
    authseal = bed.authseal(bed.lasting_stub)
    authids = bed.authids(CACHED_AUTHIDS)
    headers, body_bytes = authseal.refresh(first_line(authids))
    bare, bare_address = bed.programs.start_bare("bare-server", body_bytes, *headers)
    send_all(load, authseal.address, authids)
    result = side_by_side(load, rounds, authids, (bare, bare_address),
                          (authseal.program, authseal.address),
                          calls=lambda: provider_calls(bed.lasting_stub))
    if result["provider_calls"]["authseal"] != 0:
        sys.exit(f"the cached run asked the provider: {result['provider_calls']}")
    return stop_both(bed, bare, authseal.program, result | {"body_bytes": body_bytes})


def uncached(bed: Bed, load: Load, rounds: int) -> dict:
    """/refresh that asks the provider each time, beside a bare forwarder."""
    authseal = bed.authseal(bed.brief_stub)
    authids = bed.authids(UNCACHED_AUTHIDS)
    headers, body_bytes = authseal.refresh(first_line(authids))
    bare, bare_address = bed.programs.start_bare(
        "bare-forwarder", f"{bed.brief_stub}/token", form_bytes(TOKEN_CHARACTERS), *headers)
    result = side_by_side(load, rounds, authids, (bare, bare_address),
                          (authseal.program, authseal.address),
                          calls=lambda: provider_calls(bed.brief_stub))
    for side in ("bare", "authseal"):
        if result["provider_calls"][side] < result["requests"][side]:
            sys.exit(f"the uncached run was answered without the provider: "
                     f"{result['requests']} answers, {result['provider_calls']} calls")
    return stop_both(bed, bare, authseal.program, result | {"body_bytes": body_bytes})


def store(bed: Bed, load: Load, rounds: int) -> dict:
    """/refresh of a single-use service: the newest AuthIDs in a Redis beside the
    same in memory."""
    stub, redis = bed.single_use_stub, bed.redis()
    memory = bed.authseal(stub, refresh_tokens="single-use")
    shared = bed.authseal(stub, refresh_tokens="single-use", store=redis[1])
    redis_before = redis[0].cpu_seconds()
    result = side_by_side(load, rounds, bed.authids(STORED_AUTHIDS),
                          (memory.program, memory.address), (shared.program, shared.address),
                          calls=lambda: provider_calls(stub))
    redis_us = (redis[0].cpu_seconds() - redis_before) * 1e6 / result["requests"]["authseal"]
    bed.programs.stop(redis[0])
    return stop_both(bed, memory.program, shared.program, result | {"redis_cpu_us": redis_us})


def side_by_side(load: Load, rounds: int, authids: Path, bare: tuple[Program, str],
                 authseal: tuple[Program, str], calls: Callable[[], int]) -> dict:
    """Interleaved rounds, each pair in the other order than the one before, so
    that what else happens on the machine meets both sides alike."""
    sides = {"bare": bare, "authseal": authseal}
    for program, address in sides.values():
        flawless(Load(load.threads, load.connections, 1), address, authids)
    seen: dict[str, list[dict]] = {side: [] for side in sides}
    asked = dict.fromkeys(sides, 0)
    for number in range(rounds):
        for side in sorted(sides, reverse=number % 2 == 0):
            before = calls()
            seen[side].append(measure(load, *sides[side], authids))
            asked[side] += calls() - before
    medians = {side: {name: median(one[name] for one in seen[side]) for name in seen[side][0]}
               for side in sides}
    return {
        **medians,
        "ratio": {name: medians["authseal"][name] / medians["bare"][name]
                  for name in ("requests_per_s", "p50_us", "p99_us", "cpu_us")},
        "requests": {side: sum(one["requests"] for one in seen[side]) for side in sides},
        "provider_calls": asked,
        "rounds": seen,
    }


def memory(bed: Bed, load: Load, _rounds: int) -> dict:
    """Resident memory idle, and with 100,000 access tokens in the cache."""
    authseal = bed.authseal(bed.lasting_stub)
    time.sleep(1)
    idle = authseal.program.resident_bytes()
    authids = bed.authids(MEMORY_AUTHIDS)
    before = provider_calls(bed.lasting_stub)
    send_all(load, authseal.address, authids)
    full = authseal.program.resident_bytes()
    result = {"idle_bytes": idle, "full_bytes": full, "authids": MEMORY_AUTHIDS,
              "provider_calls": provider_calls(bed.lasting_stub) - before,
              "bytes_per_authid": (full - idle) / MEMORY_AUTHIDS}
    bed.programs.stop(authseal.program)
    return result


def start(bed: Bed, _load: Load, _rounds: int) -> dict:
    """From spawning the process to the first 200 of /readyz, the key being there."""
    bed.programs.stop(bed.authseal(bed.lasting_stub).program)
    times = []
    for _ in range(STARTS):
        authseal = bed.authseal(bed.lasting_stub)
        times.append(authseal.start_seconds * 1e3)
        bed.programs.stop(authseal.program)
    return {"median_ms": median(times), "all_ms": times}


def stop_both(bed: Bed, bare: Program, authseal: Program, result: dict) -> dict:
    bed.programs.stop(bare)
    bed.programs.stop(authseal)
    return result
