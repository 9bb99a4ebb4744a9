"""A keys folder whose file system stops answering. Needs root, for the mount."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from ..authseal import Authseal
from ..bed import Bed, first_line
from ..table import head, row
from .bounds import Bounds
from .options import Options
from .sigterm import terminate

SAID_WITHIN_S = 30
EXIT_WITHIN_S = 5
HANG_UPS = 20
REFRESHES = 50


def run(bed: Bed, options: Options) -> dict:
    authids = bed.authids_of(bed.lasting_stub, 1)
    folder = bed.folder / "hanging"
    folder.mkdir(exist_ok=True)
    server = bed.programs.start([sys.executable, Path(__file__).with_name("hanging_files.py"),
                                 bed.folder / "keys", folder], log=bed.folder / "hanging.log")
    if not is_mounted(server):
        return {"skipped": server.log.read_text().strip().splitlines()[-1], "broken": []}
    try:
        return one_run(bed, first_line(authids), folder, server.process)
    finally:
        server.process.send_signal(signal.SIGCONT)
        subprocess.run(["umount", "--lazy", folder], check=False)
        bed.programs.stop(server)


def is_mounted(server: object) -> bool:
    while server.process.poll() is None:
        if "mounted" in server.log.read_text():
            return True
        time.sleep(0.05)
    return False


def one_run(bed: Bed, authid: str, folder: Path, files: subprocess.Popen) -> dict:
    def start() -> Authseal:
        return bed.authseal(bed.lasting_stub, environment={"AUTHSEAL_KEYS_DIR": str(folder)})

    authseal = start()
    authseal.refresh(authid)
    threads = authseal.program.threads()
    files.send_signal(signal.SIGSTOP)
    begin = time.monotonic()
    for _ in range(HANG_UPS):
        authseal.program.process.send_signal(signal.SIGHUP)
        time.sleep(0.05)
    # An older build may answer nothing from here on.
    said = wait_for_metric(authseal, "authseal_files_hang", begin)
    result = {"said_s": said, "answered": refreshes(authseal, authid),
              "healthy": is_healthy(authseal),
              "more_threads": authseal.program.threads() - threads}
    result["exit_s"], result["exit_code"] = terminate(authseal)
    bed.programs.stop(authseal.program)
    result["start_exit_s"] = end_of_a_start(bed, folder)
    return result | {"broken": check(result)}


def wait_for_metric(authseal: Authseal, name: str, begin: float) -> float | None:
    while (waited := time.monotonic() - begin) < SAID_WITHIN_S:
        try:
            if authseal.metric(name):
                return waited
        except OSError:
            return None
        time.sleep(0.2)
    return None


def refreshes(authseal: Authseal, authid: str) -> int:
    for number in range(REFRESHES):
        if not authseal.answers(authid):
            return number
    return REFRESHES


def is_healthy(authseal: Authseal) -> bool:
    try:
        with urllib.request.urlopen(f"{authseal.admin_address}/healthz", timeout=5):
            return True
    except OSError:
        return False


def end_of_a_start(bed: Bed, folder: Path) -> float:
    """How long a server takes to leave that could not even start."""
    process = subprocess.Popen([bed.binary, "serve"], stderr=subprocess.DEVNULL, env={
        "PATH": os.environ["PATH"], "AUTHSEAL_PUBLIC_URL": "http://localhost",
        "AUTHSEAL_LISTEN": "127.0.0.1:0", "AUTHSEAL_ADMIN_LISTEN": "127.0.0.1:0",
        "AUTHSEAL_KEYS_DIR": str(folder)})
    time.sleep(1)
    begin = time.monotonic()
    process.terminate()
    try:
        process.wait(timeout=90)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return time.monotonic() - begin


def check(result: dict) -> list[str]:
    bounds = Bounds()
    bounds.holds("no metric says that the folder hangs", result["said_s"] is not None)
    bounds.at_least("refreshes answered", result["answered"], REFRESHES)
    bounds.holds("/healthz does not answer", result["healthy"])
    # The thread that starts a second later than the others belongs to the log.
    bounds.at_most("more threads", result["more_threads"], 1)
    bounds.at_most("seconds until the exit", result["exit_s"], EXIT_WITHIN_S)
    bounds.holds(f"exit code {result['exit_code']}", result["exit_code"] == 0)
    bounds.at_most("seconds until the exit of a start", result["start_exit_s"], EXIT_WITHIN_S)
    return bounds.broken


def show(result: dict) -> list[str]:
    if "skipped" in result:
        return [head("hanging keys folder"), f"SKIPPED: {result['skipped']}"]
    said = "never" if result["said_s"] is None else f"{result['said_s']:.1f} s"
    return [head("hanging keys folder"),
            row("a metric says so after", "", said),
            row(f"of {REFRESHES} refreshes answered", "", f"{result['answered']}"),
            row("/healthz", "", "answers" if result["healthy"] else "hangs"),
            row(f"threads after {HANG_UPS} SIGHUP", "", f"{result['more_threads']:+}"),
            row("exit after SIGTERM, code", f"{result['exit_s']:.2f} s", f"{result['exit_code']}"),
            row("exit of a start after SIGTERM", "", f"{result['start_exit_s']:.2f} s")]
