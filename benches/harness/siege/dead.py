"""Connections that go dead, answers without end, and a process that stands still. Every case has
an authseal and a provider of its own; they run side by side, with an older build beside each if
there is one."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..authseal import SERVICE, Authseal, Provider
from ..bed import Bed
from ..programs import need
from ..table import WIDTH
from .bounds import Bounds
from .dying_provider import DyingProvider, new_certificate
from .options import Options

# The death of the first connection, and whether it speaks HTTP/2.
DEATHS = {
    "HTTP/2, answers only PINGs": ("answers only pings", True),
    "HTTP/2, answers nothing": ("answers nothing", True),
    "HTTP/2, reads nothing": ("reads nothing", True),
    "HTTP/2, MAX_CONCURRENT_STREAMS 0": ("allows no streams", True),
    "HTTP/2, GOAWAY and no close": ("says GOAWAY", True),
    "HTTP/1.1, answers nothing": ("answers only pings", False),
}
DROPPED = "HTTP/2, packets are dropped (iptables)"
MOST_LOST = 1
GIVEN_UP_AFTER_S = 120.0
PAUSE_S = 1.2  # the stub's tokens are not cached
STANDSTILL_S = 65.0  # longer than the deadline of a single-use refresh
MOST_IDLE_S = 91.0
# HTTP/2's 1xx responses wait in hyper, in 24 times their bytes.
MOST_GROWTH_BYTES = 64e6
MOST_CPU_S = 5.0  # of a debug build, for 1xx responses; without a limit they take all of 20 s


def run(bed: Bed, options: Options) -> dict:
    need("openssl")
    certificate = new_certificate(bed.folder)
    bed.authids_of(bed.brief_stub, 1)
    if skipped := why_no_iptables():
        print(f"skipped: {DROPPED}: {skipped}", file=sys.stderr, flush=True)
    builds = {"now": bed.binary, **({"before": options.before} if options.before else {})}
    # All are begun by this thread: a process must not be forked while others run.
    jobs = {}
    for name, (death, body) in cases().items():
        for build, binary in builds.items():
            jobs[name, build] = (body, Case(bed, binary, certificate, *death))
    with ThreadPoolExecutor(len(jobs)) as pool:
        futures = {key: pool.submit(body, case) for key, (body, case) in jobs.items()}
        results = {key: future.result() for key, future in futures.items()}
    for _, case in jobs.values():
        case.end()
    seen = {name: {build: results[name, build] for build in builds} for name in cases()}
    bounds = Bounds()
    for name, of in seen.items():
        check(bounds, name, of["now"])
    return {"dead": seen, "broken": bounds.broken}


def cases() -> dict:
    """By name: the death, the protocol and the kind of refresh tokens, and what is done."""
    of = {name: ((*death, "stable"), killed) for name, death in DEATHS.items()}
    if not why_no_iptables():
        of[DROPPED] = (("never", True, "stable"), dropped)
    for protocol, is_http2 in (("HTTP/1.1", False), ("HTTP/2", True)):
        of |= {
            f"{protocol}, idle": (("never", is_http2, "stable"), idle),
            f"{protocol}, one-byte pieces": (("pieces", is_http2, "stable"), endless),
            f"{protocol}, 1xx without end": (("informs", is_http2, "stable"), endless),
            f"{protocol}, stands still for {STANDSTILL_S:.0f} s":
                (("answers late", is_http2, "single-use"), standstill),
        }
    return of


def why_no_iptables() -> str | None:
    if os.geteuid() != 0:
        return "only root may drop packets"
    if not shutil.which("iptables"):
        return "there is no iptables"
    tried = subprocess.run(["iptables", "-n", "-L", "INPUT"], capture_output=True, text=True)
    return tried.stderr.strip() or None if tried.returncode else None


class Case:
    """One authseal, whose only provider dies."""

    def __init__(self, bed: Bed, binary: Path, certificate: Path, death: str, is_http2: bool, refresh_tokens: str):
        self._programs = bed.programs
        self.provider = DyingProvider(certificate, death, is_http2, deadline_s=900)
        self.authseal: Authseal = Bed(bed.programs, binary, bed.folder).authseal_of(
            [Provider(SERVICE, self.provider.url, refresh_tokens)], environment={"SSL_CERT_FILE": str(certificate)})
        self.authid = bed.new_authids(1)[0]

    def end(self) -> None:
        self.provider.__exit__()
        self._programs.stop(self.authseal.program)

    def status(self) -> int:
        request = urllib.request.Request(f"{self.authseal.address}/refresh", headers={"X-AuthID": self.authid})
        try:
            with urllib.request.urlopen(request, timeout=150) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def lost(self) -> dict:
        """Refreshes that fail from now until one is good."""
        begin, lost = time.monotonic(), 0
        while time.monotonic() - begin < GIVEN_UP_AFTER_S:
            if self.status() == 200:
                return {"lost": lost, "good_after_s": time.monotonic() - begin}
            lost += 1
            time.sleep(PAUSE_S)
        return {"lost": lost, "good_after_s": None}


def killed(case: Case) -> dict:
    case.status()
    time.sleep(PAUSE_S)
    return case.lost()


def dropped(case: Case) -> dict:
    case.status()
    rules = [["INPUT", "-i", "lo", "-p", "tcp", port, str(case.provider.client_port()), "-j", "DROP"]
             for port in ("--sport", "--dport")]
    try:
        for rule in rules:
            subprocess.run(["iptables", "-w", "-I", *rule], check=True)
        time.sleep(PAUSE_S)
        return case.lost()
    finally:
        for rule in rules:
            subprocess.run(["iptables", "-w", "-D", *rule], check=False)


def idle(case: Case) -> dict:
    case.status()
    time.sleep(PAUSE_S)
    case.status()
    since = time.monotonic()
    while not case.provider.closed_at() and time.monotonic() - since < 2 * GIVEN_UP_AFTER_S:
        time.sleep(0.2)
    return {"idle_s": case.provider.closed_at() - since}


def endless(case: Case) -> dict:
    program = case.authseal.program
    before, cpu = program.resident_bytes(), program.cpu_seconds()
    program.forget_peak()
    status = case.status()
    return {"status": status, "growth_bytes": program.peak_resident_bytes() - before,
            "cpu_s": program.cpu_seconds() - cpu}


def standstill(case: Case) -> dict:
    """The provider answers a single-use refresh while authseal stands still."""
    process = case.authseal.program.process
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(case.status)
        while not case.provider.calls() and not asking.done():
            time.sleep(0.05)
        process.send_signal(signal.SIGSTOP)
        time.sleep(STANDSTILL_S)
        process.send_signal(signal.SIGCONT)
        return {"status": asking.result()}


def check(bounds: Bounds, name: str, seen: dict) -> None:
    if "lost" in seen:
        bounds.at_most(f"{name}: refreshes lost", seen["lost"], MOST_LOST)
        bounds.holds(f"{name}: never good again", seen["good_after_s"] is not None)
    if "idle_s" in seen:
        bounds.at_most(f"{name}: seconds until the close", seen["idle_s"], MOST_IDLE_S)
    if "growth_bytes" in seen:
        bounds.at_most(f"{name}: memory growth, bytes", seen["growth_bytes"], MOST_GROWTH_BYTES)
        bounds.at_most(f"{name}: CPU seconds", seen["cpu_s"], MOST_CPU_S)
    elif "status" in seen:
        bounds.holds(f"{name}: {seen['status']} instead of 200", seen["status"] == 200)


def show(result: dict) -> list[str]:
    builds = list(next(iter(result["dead"].values()), {}))
    return [line("dead connections, endless answers", *builds), "-" * WIDTH,
            *(line(name, *(in_words(seen[build]) for build in builds)) for name, seen in result["dead"].items())]


def line(name: str, *cells: str) -> str:
    return name.ljust(42) + "".join(cell.rjust(34) for cell in cells)


def in_words(seen: dict) -> str:
    if "lost" in seen:
        good = "never good" if seen["good_after_s"] is None else f"good after {seen['good_after_s']:.1f} s"
        return f"{seen['lost']} lost, {good}"
    if "idle_s" in seen:
        return f"{seen['idle_s']:.0f} s" if seen["idle_s"] > 0 else "not closed"
    if "growth_bytes" in seen:
        return f"{seen['status']}, +{seen['growth_bytes'] / 1e6:.1f} MB, {seen['cpu_s']:.1f} s CPU"
    return str(seen["status"])
