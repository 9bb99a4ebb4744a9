"""Work in a process of its own: attackers, clients and faulty providers must not
wait for each other, or for whoever measures."""

import multiprocessing
import resource
import signal
import time
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from typing import Any, Callable

CONTEXT = multiprocessing.get_context("fork")


class Inside:
    """What the work sees of the process that began it."""

    def __init__(self, stop: Event, pipe: Connection, deadline: float):
        self._stop, self._pipe, self._deadline = stop, pipe, deadline

    def is_over(self) -> bool:
        """Whether it was told to stop, or has gone on for too long."""
        return self._stop.is_set() or time.monotonic() > self._deadline

    def tell(self, what: Any) -> None:
        self._pipe.send(what)


class Aside:
    """`work(inside, *arguments)` in its own process. What it returns is the last
    thing that it tells."""

    def __init__(self, work: Callable, *arguments: Any, deadline_s: float):
        self._stop = CONTEXT.Event()
        self._pipe, theirs = CONTEXT.Pipe(duplex=False)
        self._last: Any = None
        inside = Inside(self._stop, theirs, time.monotonic() + deadline_s)
        self._process = CONTEXT.Process(target=_do, args=(work, inside, theirs, arguments),
                                        daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> "Aside":
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it, whatever it is doing."""
        self._process.terminate()
        self._process.join()

    def latest(self) -> Any:
        """What it told last."""
        try:
            while self._pipe.poll():
                self._last = self._pipe.recv()
        except EOFError:
            pass
        return self._last

    def wait_until(self, holds: Callable[[Any], bool], timeout_s: float) -> bool:
        """Until what it told last is as wished."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if (latest := self.latest()) is not None and holds(latest):
                return True
            time.sleep(0.05)
        return False

    def result(self, timeout_s: float) -> Any:
        """Lets it finish by itself, and returns what it returned."""
        end = time.monotonic() + timeout_s
        while self._process.is_alive() and time.monotonic() < end:
            self.latest()  # a full pipe would hold it up
            time.sleep(0.02)
        return self.latest()

    def stop(self, timeout_s: float = 10) -> Any:
        """Tells it to stop, and returns what it returned."""
        self._stop.set()
        return self.result(timeout_s)


def _do(work: Callable, inside: Inside, pipe: Connection, arguments: tuple) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # what it started, its parent stops
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    result = work(inside, *arguments)
    pipe.send(result)
    pipe.close()
