"""Faults of every kind in random order, under a steady load: what is lost, and what stays
behind."""

import os
import random
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, ContextManager, Iterator

from ..authseal import SERVICE, Authseal, Provider
from ..bed import Bed, first_line
from ..programs import Program, wait_until_open
from ..table import head, row
from .aside import Aside
from .attackers import KINDS, Crowd, besiege
from .bounds import Bounds
from .faulty_provider import FAULTS, HEALTHY, FaultyProvider
from .options import Options
from .paced import PATIENCE_S, load
from .single_use_provider import SingleUseProvider
from .watch import wait_for_few_files

FAULTY, SINGLE_USE = "faulty", "once"
SERVICES = (SERVICE, FAULTY, SINGLE_USE)
RATE = 33  # of each service, refreshes a second
AUTHIDS = 5_000  # of each; none is asked twice while its first call is under way
FAULT_S, QUIET_S, RECOVERS_WITHIN_S = 10, 5, 30
SLOW_CONNECTIONS = 2_500
# Longer than connections to providers are kept.
FILES_SETTLE_S, MOST_MORE_FILES = 200, 16
MOST_GROWTH, GROWTH_LEEWAY_BYTES = 0.1, 10e6


class Rough:
    """Everything that a fault can happen to."""

    def __init__(self, bed: Bed, faulty: FaultyProvider, single_use: SingleUseProvider):
        self.bed, self.faulty = bed, faulty
        self.redis, store = bed.redis()
        self.redis_port = int(store.rpartition(":")[2])
        # A pipe, so that its reader can be stopped.
        pipe = bed.folder / "rough-soak-log"
        os.mkfifo(pipe)
        self.reader: Program = bed.programs.start(["cat", pipe], log=bed.folder / "rough-soak-log-read")
        self.authseal: Authseal = bed.authseal_of(
            [Provider(SERVICE, bed.brief_stub), Provider(FAULTY, faulty.url),
             Provider(SINGLE_USE, single_use.url, "single-use")],
            store=store, environment={"AUTHSEAL_LOG": "info"}, log=pipe)

    def faults(self) -> dict[str, tuple[set[str], Callable[[], ContextManager]]]:
        """Each fault, with the services whose refreshes may fail meanwhile."""
        of_provider = {f"provider: {fault}": ({FAULTY}, lambda fault=fault: self.provider_is(fault))
                       for fault in FAULTS}
        return of_provider | {
            "Redis killed": ({SINGLE_USE}, self.redis_is_killed),
            "SIGHUP": (set(), self.reloads),
            "a new key": (set(), self.new_key),
            "log not read": (set(), self.log_is_unread),
            "slow connections": (set(), self.slow_connections),
        }

    @contextmanager
    def provider_is(self, fault: str) -> Iterator[None]:
        self.faulty.become(fault)
        yield
        self.faulty.become(HEALTHY)

    @contextmanager
    def redis_is_killed(self) -> Iterator[None]:
        self.redis.process.kill()
        self.redis.process.wait()
        yield
        self.bed.programs.stop(self.redis)
        self.redis = self.bed.programs.start(self.redis.process.args, log=self.bed.folder / "redis" / "log")
        wait_until_open(self.redis, self.redis_port)

    @contextmanager
    def reloads(self) -> Iterator[None]:
        with Aside(_hang_up, self.authseal.program.pid, deadline_s=FAULT_S + 30) as hanging_up:
            yield
            hanging_up.stop()

    @contextmanager
    def new_key(self) -> Iterator[None]:
        subprocess.run([self.bed.binary, "keys", "new"], check=True, stdout=subprocess.DEVNULL,
                       env={"PATH": os.environ["PATH"], "AUTHSEAL_KEYS_DIR": str(self.bed.folder / "keys")})
        yield

    @contextmanager
    def log_is_unread(self) -> Iterator[None]:
        self.reader.process.send_signal(signal.SIGSTOP)
        yield
        self.reader.process.send_signal(signal.SIGCONT)

    @contextmanager
    def slow_connections(self) -> Iterator[None]:
        crowd = Crowd(self.authseal.port, SLOW_CONNECTIONS, tuple(KINDS), back_after_s=1)
        with Aside(besiege, crowd, deadline_s=FAULT_S + 60) as attack:
            yield
            attack.stop()


def _hang_up(inside: object, pid: int) -> None:
    while not inside.is_over():
        os.kill(pid, signal.SIGHUP)
        time.sleep(0.1)


def run(bed: Bed, options: Options) -> dict:
    end = time.monotonic() + options.minutes * 60
    deadline_s = options.minutes * 60 + 900
    with FaultyProvider(deadline_s) as faulty, SingleUseProvider(deadline_s) as single_use:
        rough = Rough(bed, faulty, single_use)
        authids = {service: bed.authids(AUTHIDS, service) for service in SERVICES}
        quiet_before = refreshes(rough, authids, QUIET_S)
        program = rough.authseal.program
        files_before, resident, steps, waiting = program.open_files(), [], [], []
        while time.monotonic() < end:
            if not waiting:
                resident.append(program.resident_bytes())
                waiting = random.sample(list(rough.faults()), len(rough.faults()))
            steps.append(one_fault(rough, authids, waiting.pop()))
        resident.append(program.resident_bytes())
        wait_for_few_files(program, files_before + MOST_MORE_FILES, FILES_SETTLE_S)
        result = {"quiet_before": quiet_before, "steps": steps, "resident_bytes": resident,
                  "files_before": files_before, "files_after": program.open_files(),
                  "log_lines_dropped": rough.authseal.metric("authseal_log_lines_dropped_total"),
                  **single_use.figures()}
        for started in (rough.authseal.program, rough.reader, rough.redis):
            bed.programs.stop(started)
    return result | {"broken": check(result)}


def one_fault(rough: Rough, authids: dict[str, Path], fault: str) -> dict:
    may_fail, happens = rough.faults()[fault]
    with happens():
        during = refreshes(rough, authids, FAULT_S)
    recovery_s = recovery(rough.authseal, [first_line(authids[service]) for service in SERVICES])
    return {"fault": fault, "may_fail": sorted(may_fail), "during": during, "recovery_s": recovery_s,
            "after": refreshes(rough, authids, QUIET_S)}


def refreshes(rough: Rough, authids: dict[str, Path], seconds: int) -> dict:
    """Load on every service at once; the number of refreshes, and of those that failed."""
    patience = seconds + PATIENCE_S + 10
    loads = {service: Aside(load, rough.authseal.port, file, RATE, seconds, deadline_s=patience)
             for service, file in authids.items()}
    seen = {service: one.result(patience) for service, one in loads.items()}
    return {service: {"asked": one["asked"],
                      "failed": one["asked"] - one["outcomes"].get("200", {"count": 0})["count"]}
            for service, one in seen.items()}


def recovery(authseal: Authseal, authids: list[str]) -> float | None:
    """How long until a refresh of each service works again."""
    begin = time.monotonic()
    while (waited := time.monotonic() - begin) < RECOVERS_WITHIN_S:
        if all(authseal.answers(authid) for authid in authids):
            return waited
        time.sleep(0.1)
    return None


def check(result: dict) -> list[str]:
    bounds = Bounds()
    for service, seen in result["quiet_before"].items():
        bounds.at_most(f"before all faults: failed refreshes of {service}", seen["failed"], 0)
    for step in result["steps"]:
        fault = step["fault"]
        for service in SERVICES:
            if service not in step["may_fail"]:
                bounds.at_most(f"{fault}: failed refreshes of {service}", step["during"][service]["failed"], 0)
            bounds.at_most(f"after {fault}: failed refreshes of {service}", step["after"][service]["failed"], 0)
        bounds.holds(f"{fault}: no refresh within {RECOVERS_WITHIN_S} s of its end", step["recovery_s"] is not None)
    bounds.at_most("single-use tokens sent twice", result["replays"], 0)
    bounds.at_most("file descriptors afterwards", result["files_after"], result["files_before"] + MOST_MORE_FILES)
    # Only after all faults does an allocator have all that it keeps.
    if len(result["resident_bytes"]) > 2:
        _, first, *_, last = result["resident_bytes"]
        bounds.at_most("memory, bytes", last, first + max(first * MOST_GROWTH, GROWTH_LEEWAY_BYTES))
    return bounds.broken


def show(result: dict) -> list[str]:
    lines = [head("soak under faults", "asked", "failed", "recovery")]
    for fault in sorted({step["fault"] for step in result["steps"]}):
        steps = [step for step in result["steps"] if step["fault"] == fault]
        seen = [step["during"][service] for step in steps for service in SERVICES]
        recoveries = [step["recovery_s"] for step in steps]
        slowest = "never" if None in recoveries else f"{max(recoveries):.1f} s"
        lines.append(row(f"{fault}, {len(steps)} times", f"{sum(one['asked'] for one in seen):,}",
                         f"{sum(one['failed'] for one in seen):,}", slowest))
    after = [step["after"][service] for step in result["steps"] for service in SERVICES]
    resident = result["resident_bytes"]
    return [*lines,
            row("after faults", f"{sum(one['asked'] for one in after):,}", f"{sum(one['failed'] for one in after):,}"),
            row("single-use tokens sent, sent twice", f"{result['refreshes']:,}", f"{result['replays']:,}"),
            row("log lines dropped", f"{result['log_lines_dropped'] or 0:,.0f}"),
            row("file descriptors before, afterwards", f"{result['files_before']:,}", f"{result['files_after']:,}"),
            row("memory before, afterwards", f"{resident[0] / 1e6:.1f} MB", f"{resident[-1] / 1e6:.1f} MB")]
