"""Requests beyond every limit: what they are answered, and what they cost."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Iterator

from ..bed import Bed, first_line
from ..table import head, row
from .answers import answers_in, get
from .bounds import Bounds
from .crowd import answers
from .options import Options
from .watch import Watch

MIB = 1024 * 1024
PIECE = b"a" * (64 * 1024)
AT_ONCE = 40
DEADLINE_S = 20
# What may be read and thrown away (1 MiB) and what the kernel takes unasked.
MOST_TAKEN_BYTES = 8 * MIB
MOST_GROWTH_BYTES = 16e6 + AT_ONCE * 256 * 1024
FORM = "Content-Type: application/x-www-form-urlencoded"

Request = Callable[[], Iterator[bytes]]


def pieces(length: int) -> Iterator[bytes]:
    for _ in range(length // len(PIECE)):
        yield PIECE


def chunks(length: int) -> Iterator[bytes]:
    for piece in pieces(length):
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def post(*headers: str) -> bytes:
    return get("/refresh", *headers).replace(b"GET", b"POST", 1)


def one_header() -> Iterator[bytes]:
    yield get("/refresh", "X-AuthID: ").removesuffix(b"\r\n\r\n")
    yield from pieces(MIB)
    yield b"\r\n\r\n"


def many_headers() -> Iterator[bytes]:
    yield get("/refresh", *(f"X-H{number}: a" for number in range(10_000)))


def request_line() -> Iterator[bytes]:
    yield b"GET /refresh?authid="
    yield from pieces(MIB)
    yield b" HTTP/1.1\r\nHost: localhost\r\n\r\n"


def form_of(length: int) -> Request:
    def request() -> Iterator[bytes]:
        yield post(FORM, f"Content-Length: {length + len('authid=')}") + b"authid="
        yield from pieces(length)
    return request


def chunked_form() -> Iterator[bytes]:
    yield post(FORM, "Transfer-Encoding: chunked") + b"7\r\nauthid=\r\n"
    yield from chunks(100 * MIB)


def other_body() -> Iterator[bytes]:
    yield post("Content-Type: text/plain", f"Content-Length: {100 * MIB}")
    yield from pieces(100 * MIB)


def endless_chunk_extension() -> Iterator[bytes]:
    yield post(FORM, "Transfer-Encoding: chunked") + b"7;"
    yield from pieces(100 * MIB)


CASES: dict[str, Request] = {
    "head: 1 MiB in one header": one_header,
    "head: 10,000 headers": many_headers,
    "head: request line of 1 MiB": request_line,
    "form: an AuthID of 1 MiB": form_of(MIB),
    "form: 100 MiB, Content-Length": form_of(100 * MIB),
    "form: 100 MiB, chunked": chunked_form,
    "body that is no form, 100 MiB": other_body,
    "chunk extension of 100 MiB": endless_chunk_extension,
}


def run(bed: Bed, _options: Options) -> dict:
    authseal = bed.authseal(bed.lasting_stub)
    authid = first_line(bed.authids(1))
    bounds, cases = Bounds(), {}
    for name, request in CASES.items():
        one = send(authseal.port, request)
        with Watch(authseal.program) as watch, ThreadPoolExecutor(AT_ONCE) as pool:
            several = list(pool.map(lambda _: send(authseal.port, request), range(AT_ONCE)))
            time.sleep(0.3)  # for the last look at the server
        cases[name] = one | watch.figures() | {
            "at_once": several, "answers_after": answers(authseal, authid)}
        check(bounds, name, cases[name])
    bed.programs.stop(authseal.program)
    return {"cases": cases, "broken": bounds.broken}


def send(port: int, request: Request) -> dict:
    """Sends on, even after the answer, until all is sent or the server closes."""
    sent, data, ended = 0, b"", "kept open"
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        # A large buffer would take bytes that the server never sees.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        connection.settimeout(DEADLINE_S)
        try:
            for piece in request():
                connection.sendall(piece)
                sent += len(piece)
        except TimeoutError:
            ended = "no longer read"
        except OSError:
            ended = "closed while sending"
        connection.settimeout(2)
        try:
            while piece := connection.recv(65536):
                data += piece
            ended = "closed" if ended == "kept open" else ended
        except TimeoutError:
            pass
        except OSError:
            ended = "reset" if ended == "kept open" else ended
    found, _ = answers_in(data)
    return {"statuses": [answer.status for answer in found], "sent_bytes": sent, "ended": ended}


def check(bounds: Bounds, name: str, case: dict) -> None:
    for one in (case, *case["at_once"]):
        if any(status < 400 or status >= 500 for status in one["statuses"]) or len(one["statuses"]) > 1:
            bounds.holds(f"{name}: answered {one['statuses']}, not with one 4xx", False)
            break
    bounds.holds(f"{name}: {case['ended']}, and no answer",
                 bool(case["statuses"]) or case["ended"] in ("closed", "closed while sending", "reset"))
    bounds.at_most(f"{name}: bytes taken", case["sent_bytes"], MOST_TAKEN_BYTES)
    bounds.at_most(f"{name}: memory growth with {AT_ONCE} at once, bytes", case["growth_bytes"],
                   MOST_GROWTH_BYTES)
    bounds.holds(f"{name}: no answer to others afterwards", case["answers_after"])


def show(result: dict) -> list[str]:
    lines = [head(f"oversize; growth with {AT_ONCE} at once", "status", "MiB taken", "growth")]
    for name, case in result["cases"].items():
        statuses = ", ".join(map(str, case["statuses"])) or "none"
        lines += [row(name, statuses, f"{case['sent_bytes'] / MIB:.2f}",
                      f"{case['growth_bytes'] / 1e6:.1f} MB"),
                  f"    {case['ended']}; at once: {tally(case['at_once'])}"]
    return lines


def tally(several: list[dict]) -> str:
    ways = [f"{one['statuses'] or 'no status'} {one['ended']}" for one in several]
    return ", ".join(f"{ways.count(way)}x {way}" for way in dict.fromkeys(ways))
