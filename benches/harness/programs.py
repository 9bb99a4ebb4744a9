"""The programs under measurement: built, started and stopped by handle."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
# A profile of Cargo.toml. Figures that will be written down are those of `release`.
PROFILE = os.environ.get("AUTHSEAL_BENCH_PROFILE", "release")
BUILT = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / \
    ("debug" if PROFILE == "dev" else PROFILE)
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def build(authseal: bool) -> None:
    """Builds authseal apart: the benches' own dependencies must not switch on features in what
    is measured."""
    packages = [["-p", "authseal-benches"]] + [["-p", "authseal"]] * authseal
    for package in packages:
        subprocess.run(["cargo", "build", "--quiet", "--profile", PROFILE, *package], cwd=REPOSITORY,
                       check=True)


def need(program: str) -> None:
    """A program of the Debian package of the same name; only root can have it
    installed here."""
    if shutil.which(program):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"{program} is needed: install it (Debian, Ubuntu: apt-get install {program})")
    subprocess.run(["apt-get", "install", "--yes", "--no-install-recommends", program],
                   check=True, stdout=sys.stderr)


def bench_output(name: str, *arguments: object) -> str:
    """The output of one of this package's programs that ends by itself."""
    return subprocess.run([BUILT / name, *map(str, arguments)], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def measure_sealing(token_characters: list[int]) -> list[dict]:
    return [json.loads(line) for line in bench_output("seal-open", *token_characters).splitlines()]


class Program:
    """A server process, known by its handle."""

    def __init__(self, command: list, environment: dict | None = None, log: Path | None = None):
        """With a log, everything it says goes there; else its stdout is kept and
        its stderr shown."""
        self.name, self.log = Path(command[0]).name, log
        output = {"stdout": subprocess.PIPE, "text": True}
        if log:
            output = {"stdout": log.open("w"), "stderr": subprocess.STDOUT}
        self.process = subprocess.Popen([str(word) for word in command], env=environment,
                                        stdin=subprocess.DEVNULL, **output)
        self.pid = self.process.pid

    def fail(self, what: str) -> None:
        """Ends the run, with what the program last said."""
        said = self.log.read_text()[-2000:] if self.log else ""
        sys.exit(f"{self.name} {what}\n{said}")

    def cpu_seconds(self) -> float:
        """User and system time of all its threads so far."""
        stat = Path(f"/proc/{self.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()  # the name may hold blanks
        user, system = int(fields[11]), int(fields[12])
        return (user + system) / TICKS_PER_SECOND

    def resident_bytes(self) -> int:
        return self._status("VmRSS") * 1024

    def peak_resident_bytes(self) -> int:
        """The most since it began, or since the peak was forgotten."""
        return self._status("VmHWM") * 1024

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # proc(5)

    def threads(self) -> int:
        return self._status("Threads")

    def open_files(self) -> int:
        """File descriptors. Kernels before 6.2 give the folder no size."""
        folder = f"/proc/{self.pid}/fd"
        return os.stat(folder).st_size or len(os.listdir(folder))

    def _status(self, field: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1])
        self.fail(f"has no {field}: it has ended")

    def stop(self, deadline_s: float = 5.0) -> None:
        """Asks, waits, and insists."""
        self.process.terminate()
        try:
            self.process.wait(timeout=deadline_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Programs:
    """Every started program, so that all of them end with the run."""

    def __init__(self) -> None:
        self.started: list[Program] = []

    def __enter__(self) -> "Programs":
        # A killed run must still stop what it started.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
        return self

    def __exit__(self, *_: object) -> None:
        while self.started:
            self.started.pop().stop()

    def start(self, command: list, environment: dict | None = None, log: Path | None = None) -> Program:
        program = Program(command, environment, log)
        self.started.append(program)
        return program

    def start_bare(self, name: str, *arguments: object, environment: dict | None = None,
                   under: list[str] | None = None) -> tuple[Program, str]:
        """Starts one of this package's servers, perhaps under a tool; it prints its address
        itself."""
        program = self.start([*(under or []), BUILT / name, *arguments],
                             {**os.environ, **(environment or {})})
        address = program.process.stdout.readline().strip()
        if not address:
            program.fail("did not start")
        return program, address

    def stop(self, program: Program, deadline_s: float = 5.0) -> None:
        self.started.remove(program)
        program.stop(deadline_s)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_until_open(program: Program, port: int, deadline_s: float = 10.0) -> None:
    """Until somebody listens there."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.01)
    program.fail(f"does not listen after {deadline_s:.0f} s")


def wait_until_ready(program: Program, port: int, deadline_s: float = 10.0) -> float:
    """Asks for /readyz until it is 200 and returns the moment (monotonic
    seconds) of that answer. The pause between two tries is the resolution."""
    request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(request)
                if connection.recv(64).startswith(b"HTTP/1.1 200"):
                    return time.monotonic()
        except OSError:
            pass
        if program.process.poll() is not None:
            program.fail(f"ended with status {program.process.returncode}")
        time.sleep(0.0002)
    program.fail(f"was not ready within {deadline_s:.0f} s")
