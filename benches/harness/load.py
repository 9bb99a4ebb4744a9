"""Load on one server, and what it cost that server."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from .programs import Program

SCRIPT = Path(__file__).with_name("refresh.lua")


@dataclass
class Load:
    """How wrk is run; the same for both sides of a comparison."""

    threads: int
    connections: int
    seconds: int
    pause_ms: int = 0  # of each connection between two requests
    closes: bool = False  # a new connection for every request


def wrk(load: Load, address: str, authids: Path) -> dict:
    """One run, with whatever failed."""
    command = ["wrk", "-t", load.threads, "-c", load.connections, "-d", f"{load.seconds}s",
               "--timeout", "30s", "-s", SCRIPT, address, "--", authids, load.threads,
               load.pause_ms, "close" if load.closes else "keep-alive"]
    output = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE,
                            check=True, timeout=load.seconds + 60).stdout
    line = next(line for line in output.splitlines() if line.startswith("RESULT "))
    return json.loads(line.removeprefix("RESULT "))


def flawless(load: Load, address: str, authids: Path) -> dict:
    """One run. Any failed request ends the bench: figures of a server that
    refuses work mean nothing."""
    result = wrk(load, address, authids)
    if any(result["errors"].values()):
        sys.exit(f"{address} failed requests under load: {result['errors']}")
    return result


def measure(load: Load, program: Program, address: str, authids: Path,
            run: Callable[[Load, str, Path], dict] = flawless) -> dict:
    """Requests per second, p99, and the server's CPU time per request."""
    before = program.cpu_seconds()
    result = run(load, address, authids)
    spent = program.cpu_seconds() - before
    return {
        "requests": result["requests"],
        "failed": sum(result["errors"].values()),
        "requests_per_s": result["requests"] / (result["duration_us"] / 1e6),
        "p50_us": result["p50_us"],
        "p99_us": result["p99_us"],
        "cpu_us": spent * 1e6 / max(result["requests"], 1),
    }


def send_all(load: Load, address: str, authids: Path, tries: tuple = (5, 10, 20, 40, 80)) -> None:
    """Every AuthID of the file at least once; each try takes so many seconds."""
    for seconds in tries:
        if flawless(Load(load.threads, load.connections, seconds), address, authids)["whole_rounds"]:
            return
    sys.exit(f"{address} did not take every AuthID within {tries[-1]} s")
