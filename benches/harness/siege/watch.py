"""What a server needs while something is done to it."""

import threading
import time

from ..programs import Program

EVERY_S = 0.2


class Watch:
    """The most memory and file descriptors while this is open, and how much more
    memory than before."""

    def __init__(self, program: Program):
        self._program, self._over = program, threading.Event()
        self._before = program.resident_bytes()
        self.peak_files, self._peak_bytes = program.open_files(), self._before
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._program.forget_peak()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(EVERY_S) and self._program.process.poll() is None:
            self.peak_files = max(self.peak_files, self._program.open_files())
            self._peak_bytes = self._program.peak_resident_bytes()

    def figures(self) -> dict:
        return {"before_bytes": self._before, "peak_bytes": self._peak_bytes,
                "growth_bytes": max(self._peak_bytes - self._before, 0), "peak_files": self.peak_files}


def wait_for_few_files(program: Program, files: int, timeout_s: float = 20) -> bool:
    """Until the server has let the connections of the last round go."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if program.open_files() <= files:
            return True
        time.sleep(0.1)
    return False
