"""The measurements of `benches/run`, one function each."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Callable

from .authseal import form_bytes
from .bed import TOKEN_CHARACTERS, Bed, first_line, provider_calls
from .load import Load, flawless, measure, send_all
from .programs import Program, bench_output

CACHED_AUTHIDS = 1_000
UNCACHED_AUTHIDS = 150_000
STORED_AUTHIDS = 20_000
MEMORY_AUTHIDS = 100_000
FOLDER_LOGINS = 100_000
# As long as a sealed AuthID with a token of TOKEN_CHARACTERS.
STORED_CHARACTERS = 700
MANY_AUTHIDS = 1_000_000
# Of one thread of wrk, each asking as soon as it is answered: about half of full load, and
# evenly. With pauses, of whole milliseconds, they would all ask at once.
HALF_LOAD_CONNECTIONS = 4
# Of Dropbox and Box, Google, OneDrive, Jottacloud, Microsoft 365: about as long as theirs.
REFRESH_TOKEN_CHARACTERS = [64, 103, 400, 800, 1500]
STARTS = 10


def default(bed: Bed, load: Load, rounds: int) -> dict:
    """What users run: /refresh from the cache at the default log level, beside a bare server
    and beside authseal without log lines of requests."""
    return cached(bed, load, rounds, logs=True)


def default_uncached(bed: Bed, load: Load, rounds: int) -> dict:
    """The same, where each refresh asks the provider."""
    return forwarded(bed, load, rounds, bed.brief_stub, {}, logs=True)


def cached(bed: Bed, load: Load, rounds: int, logs: bool = False) -> dict:
    """/refresh from the cache beside a bare server with the same answer."""
    stub = bed.lasting_stub
    sides, sample = pair(bed, bed.authids_of(stub, CACHED_AUTHIDS), stub,
                         lambda headers, body_bytes: ("bare-server", body_bytes, *headers), logs=logs)
    result = side_by_side(bed, load, rounds, sides, calls=lambda: provider_calls(stub))
    if result["provider_calls"]["authseal"] != 0:
        sys.exit(f"the cached run asked the provider: {result['provider_calls']}")
    return result | sample


def uncached(bed: Bed, load: Load, rounds: int) -> dict:
    """/refresh that asks the provider each time, beside a bare forwarder."""
    return forwarded(bed, load, rounds, bed.brief_stub, {})


def tls(bed: Bed, load: Load, rounds: int) -> dict:
    """The same, with TLS to the provider."""
    stub = bed.tls_stub
    return forwarded(bed, load, rounds, stub, {"SSL_CERT_FILE": str(bed.certificate)})


def forwarded(bed: Bed, load: Load, rounds: int, stub: str, environment: dict,
              logs: bool = False) -> dict:
    form = form_bytes(TOKEN_CHARACTERS)
    sides, sample = pair(bed, bed.authids_of(stub, UNCACHED_AUTHIDS), stub,
                         lambda headers, _: ("bare-forwarder", f"{stub}/token", form, *headers),
                         environment, logs)
    result = side_by_side(bed, load, rounds, sides, calls=lambda: provider_calls(stub))
    for side in ("bare", "authseal"):
        if result["provider_calls"][side] < result["requests"][side]:
            sys.exit(f"the uncached run was answered without the provider: "
                     f"{result['requests']} answers, {result['provider_calls']} calls")
    return result | sample


def pair(bed: Bed, authids: Path, stub: str, bare: Callable[[list, int], tuple],
         environment: dict | None = None, logs: bool = False) -> tuple[dict, dict]:
    """How each side is started. A real answer of authseal is asked first, so that the others
    send as many headers and bytes. The third side is the floor; with logs, authseal has the
    default log level, and the third side is quiet."""
    first = bed.authseal(stub, environment=environment)
    headers, body_bytes = first.refresh(first_line(authids))
    bed.programs.stop(first.program)

    def start_authseal(level: str = "warn") -> Side:
        authseal = bed.authseal(stub, environment={**(environment or {}), "AUTHSEAL_LOG": level})
        return Side(authseal.program, authseal.address, authids)

    def start_bare(*command: object) -> Side:
        return Side(*bed.programs.start_bare(*command, environment=environment), authids)

    sides = {"bare": lambda: start_bare(*bare(headers, body_bytes))}
    if logs:
        sides |= {"authseal": lambda: start_authseal("info"), "quiet": start_authseal}
    else:
        floor = ("sealed-floor", bed.key_file, f"{stub}/token", *headers)
        sides |= {"authseal": start_authseal, "floor": lambda: start_bare(*floor)}
    return sides, {"body_bytes": body_bytes}


def latency(bed: Bed, load: Load, rounds: int) -> dict:
    """/refresh from the cache beside the bare server, by so few connections that the load is
    about half of what either could take."""
    half = Load(1, HALF_LOAD_CONNECTIONS, load.seconds)
    return cached(bed, half, rounds)


def store(bed: Bed, load: Load, rounds: int) -> dict:
    """/refresh of a single-use service: the newest AuthIDs in a Redis and in a folder
    beside the same in memory."""
    stub, redis = bed.single_use_stub, bed.redis()
    authids = bed.authids_of(stub, STORED_AUTHIDS)

    def start(**options: str) -> Side:
        authseal = bed.authseal(stub, refresh_tokens="single-use", **options)
        return Side(authseal.program, authseal.address, authids)

    folder = bed.folder / "store"
    sides = {"bare": start, "authseal": lambda: start(store=redis[1]),
             "folder": lambda: start(store=f"file:{folder}")}
    redis_before = redis[0].cpu_seconds()
    result = side_by_side(bed, load, rounds, sides, calls=lambda: provider_calls(stub))
    spent = redis[0].cpu_seconds() - redis_before
    bed.programs.stop(redis[0])
    # The warm-ups of a second are in it too.
    asked = result["requests"]["authseal"] * (load.seconds + 1) / load.seconds
    return result | {"redis_cpu_us": spent * 1e6 / asked, "full_folder": full_folder(bed, stub)}


def full_folder(bed: Bed, stub: str) -> dict:
    """A folder with many logins: its file, the start of a server and its memory."""
    folder = bed.folder / "full-store"
    bench_output("fill-store", folder, FOLDER_LOGINS, STORED_CHARACTERS)
    starts, memory = {}, {}
    for name, store in (("none", None), ("folder", f"file:{folder}")):
        authseal = bed.authseal(stub, refresh_tokens="single-use", store=store)
        starts[name] = authseal.start_seconds * 1e3
        memory[name] = authseal.program.resident_bytes()
        bed.programs.stop(authseal.program)
    return {"logins": FOLDER_LOGINS, "file_bytes": (folder / "logins.redb").stat().st_size,
            "start_ms": starts, "resident_bytes": memory}


@dataclass
class Side:
    """A started server, and what it is asked for."""

    program: Program
    address: str
    authids: Path


def side_by_side(bed: Bed, load: Load, rounds: int, sides: dict[str, Callable[[], Side]],
                 calls: Callable[[], int]) -> dict:
    """Interleaved rounds, each pair in the other order than the one before, so that what
    else happens on the machine meets both sides alike. Each round has a process of its own:
    one of the same binary can be a quarter slower than another for as long as it lives."""
    seen: dict[str, list[dict]] = {side: [] for side in sides}
    asked = dict.fromkeys(sides, 0)
    for number in range(rounds):
        for name in sorted(sides, reverse=number % 2 == 0):
            side = sides[name]()
            flawless(Load(load.threads, load.connections, 1), side.address, side.authids)
            before = calls()
            seen[name].append(measure(load, side.program, side.address, side.authids))
            asked[name] += calls() - before
            bed.programs.stop(side.program)
    medians = {side: {name: median(one[name] for one in seen[side]) for name in seen[side][0]}
               for side in sides}
    def ratio(other: str) -> dict:
        return {name: medians["authseal"][name] / medians[other][name]
                for name in ("requests_per_s", "p50_us", "p99_us", "cpu_us")}

    return {
        **medians,
        "ratio": ratio("bare"),
        **{f"ratio_to_{side}": ratio(side) for side in ("quiet", "floor") if side in sides},
        "requests": {side: sum(one["requests"] for one in seen[side]) for side in sides},
        "provider_calls": asked,
        "rounds": seen,
    }


def memory(bed: Bed, load: Load, _rounds: int) -> dict:
    """Resident memory idle, with 100,000 access tokens in the cache, and after a million
    different AuthIDs without a cache."""
    authseal = bed.authseal(bed.lasting_stub)
    time.sleep(1)
    idle = authseal.program.resident_bytes()
    before = provider_calls(bed.lasting_stub)
    send_all(load, authseal.address, bed.authids(MEMORY_AUTHIDS))
    full = authseal.program.resident_bytes()
    result = {"idle_bytes": idle, "full_bytes": full, "authids": MEMORY_AUTHIDS,
              "provider_calls": provider_calls(bed.lasting_stub) - before,
              "bytes_per_authid": (full - idle) / MEMORY_AUTHIDS}
    bed.programs.stop(authseal.program)
    return result | {"cache_off": cache_off(bed, load)}


def cache_off(bed: Bed, load: Load) -> dict:
    authseal = bed.authseal(bed.lasting_stub, environment={"AUTHSEAL_CACHE_MB": "0"})
    few, many = bed.authids(UNCACHED_AUTHIDS // 10), bed.authids(MANY_AUTHIDS)
    send_all(load, authseal.address, few)
    warm = authseal.program.resident_bytes()
    before = provider_calls(bed.lasting_stub)
    send_all(load, authseal.address, many, tries=(60, 120, 240))
    result = {"authids": MANY_AUTHIDS, "warm_bytes": warm,
              "after_bytes": authseal.program.resident_bytes(),
              "provider_calls": provider_calls(bed.lasting_stub) - before}
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
