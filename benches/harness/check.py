"""Whether a run is worse than the figures of the last release.

Ratios are compared, not absolute figures: those are the machine's. What does not depend on
the machine (lengths, sizes, memory) is compared as it is.
"""

from typing import Iterator

# How much worse a figure may be: above what repeated runs on one machine differ by.
TOLERANCES = {"requests_per_s": 0.15, "cpu_us": 0.15, "p50_us": 0.5}
COMPARED = ["default", "default-uncached", "cached", "uncached", "tls", "store"]
SIZE_TOLERANCE, MEMORY_TOLERANCE, START_TOLERANCE = 0.03, 0.10, 0.5


def compare(before: dict, now: dict) -> list[str]:
    """What is worse, in words."""
    return [f"  {name}: {new:.3g}, was {old:.3g}" for name, old, new in worse(before, now)]


def worse(before: dict, now: dict) -> Iterator[tuple[str, float, float]]:
    for name, old, new, tolerance in figures(before, now):
        is_worse = new < old * (1 - tolerance) if name.endswith("requests_per_s") \
            else new > old * (1 + tolerance)
        if is_worse:
            yield name, old, new


def figures(before: dict, now: dict) -> Iterator[tuple[str, float, float, float]]:
    """Each figure that both runs have, with its tolerance."""
    both = before.keys() & now.keys()
    for part in (part for part in COMPARED if part in both):
        for name, tolerance in TOLERANCES.items():
            yield f"{part} {name}", before[part]["ratio"][name], now[part]["ratio"][name], tolerance
    if "size" in both:
        yield "size of the program", before["size"], now["size"], SIZE_TOLERANCE
    if "seal" in both:
        for old, new in zip(before["seal"], now["seal"]):
            name = f"length for {old['token_characters']} characters"
            # A token is random, and its AuthID a few characters longer or shorter.
            yield name, old["authid_characters"], new["authid_characters"], 0.01
    if "memory" in both:
        for name in ("idle_bytes", "bytes_per_authid"):
            yield f"memory {name}", before["memory"][name], now["memory"][name], MEMORY_TOLERANCE
    if "start" in both:
        yield "start, ms", before["start"]["median_ms"], now["start"]["median_ms"], START_TOLERANCE
