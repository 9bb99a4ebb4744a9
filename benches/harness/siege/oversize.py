"""Requests beyond every limit: what they are answered, and what they cost."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

from ..bed import Bed, first_line
from ..table import head, row
from .answers import END_OF_HEAD, FORM, answers_in, get, post
from .bounds import Bounds
from .options import Options
from .watch import Watch

MIB = 1024 * 1024
PIECE = b"a" * (64 * 1024)
AT_ONCE = 40
DEADLINE_S = 20
# What may be read and thrown away (1 MiB) and what the kernel takes unasked.
MOST_TAKEN_BYTES = 8 * MIB
MOST_GROWTH_BYTES = 16e6 + AT_ONCE * 256 * 1024
CHUNKED = "Transfer-Encoding: chunked"


def pieces(length: int) -> list[bytes]:
    return [PIECE] * (length // len(PIECE))


def form_of(length: int) -> list[bytes]:
    return [post("/refresh", FORM, f"Content-Length: {length + len('authid=')}"), b"authid=", *pieces(length)]


CASES: dict[str, list[bytes]] = {
    "head: 1 MiB in one header": [
        get("/refresh", "X-AuthID: ").removesuffix(END_OF_HEAD), *pieces(MIB), END_OF_HEAD],
    "head: 10,000 headers": [get("/refresh", *(f"X-H{number}: a" for number in range(10_000)))],
    "head: request line of 1 MiB": [
        b"GET /refresh?authid=", *pieces(MIB), b" HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    "form: an AuthID of 1 MiB": form_of(MIB),
    "form: 100 MiB, Content-Length": form_of(100 * MIB),
    "form: 100 MiB, chunked": [
        post("/refresh", FORM, CHUNKED), b"7\r\nauthid=\r\n",
        *[b"%x\r\n%s\r\n" % (len(PIECE), PIECE)] * (100 * MIB // len(PIECE)), b"0\r\n\r\n"],
    "body that is no form, 100 MiB": [
        post("/refresh", "Content-Type: text/plain", f"Content-Length: {100 * MIB}"), *pieces(100 * MIB)],
    "chunk extension of 100 MiB": [post("/refresh", FORM, CHUNKED), b"7;", *pieces(100 * MIB)],
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
            "at_once": several, "answers_after": authseal.answers(authid)}
        check(bounds, name, cases[name])
    bed.programs.stop(authseal.program)
    return {"cases": cases, "broken": bounds.broken}


def send(port: int, request: list[bytes]) -> dict:
    """Sends on, even after the answer, until all is sent or the server closes."""
    sent, data, ended = 0, b"", "kept open"
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        # A large buffer would take bytes that the server never sees.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        connection.settimeout(DEADLINE_S)
        try:
            for piece in request:
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
