"""Hours of load in minutes: whether anything grows, or fails, that should not."""

import csv
import random
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from statistics import linear_regression, mean, median

from ..authseal import SERVICE, Authseal, Provider
from ..bed import Bed
from ..load import Load, send_all, wrk
from ..table import head, row
from .bounds import Bounds
from .options import Options
from .watch import wait_for_few_files

UNCACHED, SINGLE_USE = "brief", "single"
# So many fill what authseal keeps in memory (two bounded stores of 64 MiB): only
# then can growth be told from filling.
FILL = {SERVICE: 150_000, SINGLE_USE: 130_000}
KNOWN = 8_000  # cached all along
NEW_EACH_SEGMENT = {SERVICE: 2_000, UNCACHED: 2_000, SINGLE_USE: 1_000}
SEGMENT_S, SAMPLE_EVERY_S, SEARCH_S = 60, 10, 5
CONNECTIONS_TO_TRY = (32, 64, 128, 256)
CONNECTIONS = 256  # of the soak itself, each with a pause
WARM_UP = 0.2  # of all samples
MOST_GROWTH, GROWTH_LEEWAY_BYTES = 0.05, 4e6
# Connections to providers are kept for 90 s: the number under load is that of the
# last burst, and only the number long afterwards shows a leak.
MOST_MORE_FILES, QUIET_S = 16, 150


def run(bed: Bed, options: Options) -> dict:
    authseal = bed.authseal_of([
        Provider(SERVICE, bed.lasting_stub), Provider(UNCACHED, bed.brief_stub),
        Provider(SINGLE_USE, bed.single_use_stub, "single-use")])
    files_before = authseal.program.open_files()
    for service, count in FILL.items():
        send_all(Load(2, 64, 1), authseal.address, bed.authids(count, service))
    full, pause_ms = find_load(bed, authseal, options.share)
    begin, samples, segments = time.monotonic(), [], []
    with ThreadPoolExecutor(1) as pool:
        while (left := options.minutes * 60 - (time.monotonic() - begin)) >= 1:
            load = Load(2, CONNECTIONS, max(int(min(SEGMENT_S, left)), 1), pause_ms)
            segment = pool.submit(wrk, load, authseal.address, mixed(bed))
            samples += watch(authseal, segment, begin)
            segments.append(segment.result())
            write(samples, options.samples)
    wait_for_few_files(authseal.program, files_before + MOST_MORE_FILES, QUIET_S)
    files_after = authseal.program.open_files()
    bed.programs.stop(authseal.program)
    result = {"full_requests_per_s": full, "pause_ms": pause_ms, "share": options.share,
              "files_before": files_before, "files_after": files_after,
              "segments": segments, "samples": samples, **summary(samples, segments)}
    return result | {"broken": check(result)}


def find_load(bed: Bed, authseal: Authseal, share: float) -> tuple[float, int]:
    """The highest rate without a failure, and the pause that gives a share of it."""
    authids, best = mixed(bed), 0.0
    for connections in CONNECTIONS_TO_TRY:
        seen = wrk(Load(2, connections, SEARCH_S), authseal.address, authids)
        if not any(seen["errors"].values()):
            best = max(best, rate(seen))
    cycle_ms = CONNECTIONS / max(best * share, 1) * 1e3
    pause_ms = max(round(cycle_ms), 1)
    for _ in range(2):  # less by what an answer takes, which is more the shorter the pause
        seen = wrk(Load(2, CONNECTIONS, SEARCH_S, pause_ms), authseal.address, authids)
        took_ms = CONNECTIONS / rate(seen) * 1e3 - pause_ms
        pause_ms = max(round(cycle_ms - took_ms), 1)
    return best, pause_ms


def rate(seen: dict) -> float:
    return seen["requests"] / (seen["duration_us"] / 1e6)


def mixed(bed: Bed) -> Path:
    """A new file each time: known AuthIDs, and new ones of every sort."""
    authids = bed.authids(KNOWN).read_text().split()
    for service, count in NEW_EACH_SEGMENT.items():
        authids += bed.new_authids(count, service)
    random.shuffle(authids)
    path = bed.folder / "authids-soak"
    path.write_text("".join(f"{authid}\n" for authid in authids))
    return path


def watch(authseal: Authseal, segment: Future, begin: float) -> list[dict]:
    """Samples until the segment is over; none in the pause between two segments."""
    samples, program = [], authseal.program
    while not segment.done():
        time.sleep(SAMPLE_EVERY_S if samples else SAMPLE_EVERY_S / 2)
        if not segment.done():
            samples.append({
                "seconds": round(time.monotonic() - begin, 1),
                "resident_bytes": program.resident_bytes(),
                "files": program.open_files(),
                "threads": program.threads(),
                "refreshes": authseal.metric("authseal_refresh_total"),
                "cached_tokens": authseal.metric("authseal_cached_tokens"),
            })
    return samples


def write(samples: list[dict], path: Path | None) -> None:
    if path and samples:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, samples[0])
            writer.writeheader()
            writer.writerows(samples)


def summary(samples: list[dict], segments: list[dict]) -> dict:
    settled = samples[int(len(samples) * WARM_UP):]
    seconds = [one["seconds"] for one in settled]
    resident = [one["resident_bytes"] for one in settled]
    slope = linear_regression(seconds, resident).slope if len(settled) > 1 else 0.0
    return {
        "requests": sum(one["requests"] for one in segments),
        "failed": sum(sum(one["errors"].values()) for one in segments),
        "requests_per_s": median(map(rate, segments)),
        "p99_us": median(one["p99_us"] for one in segments),
        "resident_bytes": mean(resident),
        "slope_bytes_per_h": slope * 3600,
        "growth_bytes": slope * (seconds[-1] - seconds[0]),
        "files": median(one["files"] for one in settled),
        "threads": settled[-1]["threads"],
        "threads_growth": settled[-1]["threads"] - settled[0]["threads"],
    }


def check(result: dict) -> list[str]:
    bounds = Bounds()
    bounds.at_most("failed requests", result["failed"], 0)
    bounds.at_most("memory growth after the warm-up, bytes", result["growth_bytes"],
                   max(result["resident_bytes"] * MOST_GROWTH, GROWTH_LEEWAY_BYTES))
    bounds.at_most("file descriptors afterwards", result["files_after"],
                   result["files_before"] + MOST_MORE_FILES)
    bounds.at_most("more threads at the end", result["threads_growth"], 0)
    return bounds.broken


def show(result: dict) -> list[str]:
    minutes = result["samples"][-1]["seconds"] / 60
    return [head(f"soak of {minutes:.0f} minutes, {len(result['samples'])} samples"),
            row("full load, load, requests/s", f"{result['full_requests_per_s']:,.0f}",
                f"{result['requests_per_s']:,.0f}"),
            row("requests, failed", f"{result['requests']:,}", f"{result['failed']:,}"),
            row("p99, µs (median of all minutes)", f"{result['p99_us']:,.0f}"),
            row("memory, growth, growth an hour", f"{result['resident_bytes'] / 1e6:.1f} MB",
                f"{result['growth_bytes'] / 1e6:+.1f} MB", f"{result['slope_bytes_per_h'] / 1e6:+.1f} MB"),
            row("file descriptors before, meanwhile, afterwards", f"{result['files_before']:,}",
                f"{result['files']:.0f}", f"{result['files_after']:,}"),
            row("threads, growth", f"{result['threads']:.0f}", f"{result['threads_growth']:+.0f}")]
