"""Clients that hold connections and ask for little or nothing: slowloris."""

import errno
import select
import socket
import time
from collections import Counter, deque
from dataclasses import dataclass, field

from .answers import END_OF_HEAD, FORM, get, post
from .aside import Inside

# What each kind sends at once; those with a drip then send a byte now and then.
HALF_A_HEAD = get("/refresh", "X-AuthID: ").removesuffix(END_OF_HEAD)
KINDS = {
    "silent": b"",
    "half a head": HALF_A_HEAD,
    # Whoever was once answered looks like a client that keeps its connection.
    "asked once": get("/favicon.ico") + HALF_A_HEAD,
    # Whoever sends a body is being answered, and not merely waiting.
    "half a body": post("/refresh", FORM, "Content-Length: 1000") + b"authid=",
}
DRIP_EVERY_S = 3.0
TICK_S = 0.02
CONNECTS_PER_TICK = 150
TELL_EVERY_S = 0.2


@dataclass
class Crowd:
    """How many attackers there are, of which kinds in turn, and whether those whose
    connection was closed come back."""

    port: int
    count: int
    kinds: tuple[str, ...]
    back_after_s: float | None = None


def besiege(inside: Inside, crowd: Crowd) -> dict:
    """Work for an Aside: attacks until it is over."""
    attack = Attack(crowd)
    told = 0.0
    while not inside.is_over():
        attack.tick()
        if (now := time.monotonic()) - told > TELL_EVERY_S:
            inside.tell(attack.figures())
            told = now
    return attack.figures()


@dataclass
class Attack:
    """All attackers, in one thread."""

    crowd: Crowd
    counts: Counter = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.poller = select.epoll()
        self.open: dict[int, tuple[socket.socket, str]] = {}  # connected or connecting
        self.connected: set[int] = set()
        self.drips: deque[tuple[float, socket.socket]] = deque()
        turns = (self.crowd.kinds[at % len(self.crowd.kinds)] for at in range(self.crowd.count))
        self.waiting: deque[tuple[float, str]] = deque((0.0, kind) for kind in turns)

    def figures(self) -> dict:
        return {**{name: self.counts[name] for name in ("opened", "closed", "refused", "bytes")},
                "open": len(self.connected), "cpu_s": time.process_time()}

    def tick(self) -> None:
        now = time.monotonic()
        for _ in range(CONNECTS_PER_TICK):
            if not self.waiting or self.waiting[0][0] > now:
                break
            self.connect(self.waiting.popleft()[1])
        while self.drips and self.drips[0][0] <= now:
            self.drip(self.drips.popleft()[1], now)
        for fd, events in self.poller.poll(TICK_S):
            if fd in self.connected:
                self.hear(fd)
            else:
                self.begin(fd, events)

    def connect(self, kind: str) -> None:
        connection = socket.socket()
        connection.setblocking(False)
        code = connection.connect_ex(("127.0.0.1", self.crowd.port))
        if code not in (0, errno.EINPROGRESS):
            connection.close()
            return self.leave("refused", kind)
        self.open[connection.fileno()] = connection, kind
        self.poller.register(connection, select.EPOLLOUT)

    def begin(self, fd: int, events: int) -> None:
        connection, kind = self.open[fd]
        if events & (select.EPOLLERR | select.EPOLLHUP):
            return self.lose(fd, "refused")
        self.connected.add(fd)
        self.counts["opened"] += 1
        self.poller.modify(fd, select.EPOLLIN)
        self.say(fd, KINDS[kind])
        if KINDS[kind]:
            self.drips.append((time.monotonic() + DRIP_EVERY_S, connection))

    def drip(self, connection: socket.socket, now: float) -> None:
        # A closed one has no number any more.
        if (fd := connection.fileno()) in self.connected and self.say(fd, b"a"):
            self.drips.append((now + DRIP_EVERY_S, connection))

    def say(self, fd: int, words: bytes) -> bool:
        try:
            self.counts["bytes"] += self.open[fd][0].send(words) if words else 0
        except OSError:
            self.lose(fd, "closed")
            return False
        return True

    def hear(self, fd: int) -> None:
        try:
            if self.open[fd][0].recv(65536):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.lose(fd, "closed")

    def lose(self, fd: int, how: str) -> None:
        connection, kind = self.open.pop(fd)
        self.connected.discard(fd)
        connection.close()  # epoll forgets it by itself
        self.leave(how, kind)

    def leave(self, how: str, kind: str) -> None:
        self.counts[how] += 1
        if self.crowd.back_after_s is not None:
            self.waiting.append((time.monotonic() + self.crowd.back_after_s, kind))
