"""Requests that two parsers could read as different numbers of requests.

Each shape is followed, on the same connection, by a marker request. A front proxy
that follows RFC 9112 rejects most of the shapes, and sees one request in the others.
Whoever stands behind it must not see more: what is hidden in a body is never answered.
"""

import socket
import time

from ..bed import Bed, first_line
from ..table import WIDTH
from .answers import answers_in, get, hear
from .bounds import Bounds
from .options import Options

QUIET_S = 0.4
HOST = b"Host: localhost\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
LAST_CHUNK = b"0\r\n\r\n"
# Three requests, three statuses: 200 for the shape if its body is read as meant.
HIDDEN = get("/refresh?type=hidden")
HIDDEN_STATUS, MARKER_STATUS = 302, 404
MARKER = get("/marker")
# What RFC 9112 says of a shape.
ONE, ANY, NONE = "one request", "one or 400", "400"

Shapes = dict[str, tuple[bytes, str]]


def post(headers: bytes, body: bytes) -> bytes:
    return b"POST /refresh HTTP/1.1\r\n" + HOST + FORM + headers + b"\r\n" + body


def length(value: bytes | int) -> bytes:
    return b"Content-Length: %b\r\n" % (b"%d" % value if isinstance(value, int) else value)


def chunk(data: bytes, size: bytes | None = None) -> bytes:
    return (size or b"%x" % len(data)) + b"\r\n" + data + b"\r\n"


def lengths(form: bytes) -> Shapes:
    n = len(form)
    return {
        "Content-Length twice, same": (post(length(n) * 2, form), ANY),
        "Content-Length twice, different": (
            post(length(n) + length(n + len(HIDDEN)), form + HIDDEN), NONE),
        "Content-Length twice, longer first": (
            post(length(n + len(HIDDEN)) + length(n), form + HIDDEN), NONE),
        "Content-Length: N, N": (post(length(b"%d, %d" % (n, n)), form), ANY),
        "Content-Length: N N": (post(length(b"%d %d" % (n, n)), form), NONE),
        "Content-Length: -1": (post(length(b"-1"), form), NONE),
        "Content-Length: +N": (post(length(b"+%d" % n), form), NONE),
        "Content-Length: 0xN": (post(length(b"0x%x" % n), form), NONE),
        "Content-Length: 2^64 + N": (post(length(b"%d" % (2**64 + n)), form), NONE),
        "Content-Length, empty": (post(length(b""), form), NONE),
        "GET with a body": (post(length(len(HIDDEN)), HIDDEN).replace(b"POST", b"GET", 1), ONE),
    }


def codings(form: bytes) -> Shapes:
    """Each has a length too, under which what is hidden is part of the body."""
    body = chunk(form) + LAST_CHUNK

    def hidden(coding: bytes) -> bytes:
        return post(coding + length(len(body + HIDDEN)), body + HIDDEN)

    return {
        "Content-Length and chunked": (hidden(CHUNKED), ANY),
        "chunked, then Content-Length: 0": (post(CHUNKED + length(0), body), ANY),
        "chunked twice, two headers": (post(CHUNKED * 2, body), NONE),
        "chunked, chunked": (post(b"Transfer-Encoding: chunked, chunked\r\n", body), NONE),
        "Transfer-Encoding: xchunked": (hidden(b"Transfer-Encoding: xchunked\r\n"), NONE),
        "chunked, identity": (hidden(b"Transfer-Encoding: chunked, identity\r\n"), NONE),
        "chunked after a vertical tab": (hidden(b"Transfer-Encoding: \x0bchunked\r\n"), NONE),
        "Transfer-Encoding, blank, colon": (hidden(b"Transfer-Encoding : chunked\r\n"), NONE),
        "chunked by HTTP/1.0": (hidden(CHUNKED).replace(b"HTTP/1.1", b"HTTP/1.0", 1), ANY),
        "obs-fold in Transfer-Encoding": (hidden(b"Transfer-Encoding:\r\n chunked\r\n"), ANY),
    }


def chunks(form: bytes) -> Shapes:
    n = len(form)
    sizes = {"2^64 + N": b"%x" % (2**64 + n), "-N": b"-%x" % n, "+N": b"+%x" % n,
             "0xN": b"0x%x" % n, "empty": b" "}
    return {
        **{f"chunk size {name}": (post(CHUNKED, chunk(form, size) + LAST_CHUNK), NONE)
           for name, size in sizes.items()},
        "chunk size, then a bare LF": (
            post(CHUNKED, chunk(form).replace(b"\r\n", b"\n", 1) + LAST_CHUNK), NONE),
        "chunk that ends without CRLF": (
            post(CHUNKED, chunk(form)[:-2] + b"XX" + LAST_CHUNK), NONE),
        "chunk extension": (
            post(CHUNKED, chunk(form, b"%x;a=\"b\"" % n) + LAST_CHUNK), ONE),
        "chunk extension with a bare LF": (
            post(CHUNKED, chunk(form, b"%x;a\nb" % n) + LAST_CHUNK), NONE),
        "Content-Length in the trailer": (
            post(CHUNKED, chunk(form) + b"0\r\nContent-Length: 9\r\n\r\n"), ONE),
    }


def lines(form: bytes) -> Shapes:
    plain = post(length(len(form)), form)

    def start(line: bytes) -> bytes:
        return plain.replace(b"POST /refresh HTTP/1.1", line, 1)

    def with_header(header: bytes) -> bytes:
        return post(header + length(len(form)), form)

    return {
        "bare LF as line end": (plain.replace(b"\r\n", b"\n"), ANY),
        "bare CR in a header": (with_header(b"X-A: b\rX-C: d\r\n"), ANY),
        "obs-fold in another header": (with_header(b"X-Folded: a\r\n b\r\n"), ANY),
        "blank before the colon": (plain.replace(b"Length:", b"Length :", 1), NONE),
        "blank before the first header": (plain.replace(HOST, b" X-A: b\r\n" + HOST, 1), NONE),
        "NUL in a header": (with_header(b"X-A: b\0c\r\n"), ANY),
        "NUL in a header's name": (with_header(b"X-\0A: b\r\n"), NONE),
        "two Hosts": (with_header(b"Host: elsewhere.example\r\n"), NONE),
        "no Host": (plain.replace(HOST, b"", 1), NONE),
        "absolute form, another host": (start(b"POST http://elsewhere.example/refresh HTTP/1.1"), ONE),
        "authority form": (start(b"POST localhost:80 HTTP/1.1"), ANY),
        "two blanks in the request line": (start(b"POST  /refresh HTTP/1.1"), ANY),
        "HTTP/1.10": (start(b"POST /refresh HTTP/1.10"), NONE),
        "HTTP/0.9": (b"GET /refresh\r\n", NONE),
    }


def others(form: bytes) -> Shapes:
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    return {
        "Expect: 100-continue": (post(b"Expect: 100-continue\r\n" + length(len(form)), form), ONE),
        "Upgrade: h2c": (post(upgrade + length(len(form)), form), ONE),
        "HTTP/2 preface, then garbage": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 64, NONE),
        "half an HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\n", NONE),
        "a TLS client hello": (bytes.fromhex("16030100c8010000c40303") + b"Z" * 193, NONE),
    }


def run(bed: Bed, _options: Options) -> dict:
    authseal = bed.authseal(bed.lasting_stub)
    authid = first_line(bed.authids(1))
    bounds, shapes = Bounds(), {}
    for name, (request, allowed) in every_shape(b"authid=" + authid.encode()).items():
        seen = try_shape(authseal.port, request)
        shapes[name] = seen | {"rfc": allowed, "verdict": verdict(seen, allowed)}
        bounds.holds(f"{name}: {seen['answers']} {seen['ended']}", shapes[name]["verdict"] != "BROKEN")
    bounds.holds("no answer afterwards", authseal.answers(authid))
    bed.programs.stop(authseal.program)
    return {"shapes": shapes, "broken": bounds.broken}


def every_shape(form: bytes) -> Shapes:
    return lengths(form) | codings(form) | chunks(form) | lines(form) | others(form)


def try_shape(port: int, request: bytes) -> dict:
    """Sends both at once, as a client does that wants them to be confused."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        try:
            connection.sendall(request + MARKER)
        except OSError:
            pass
        data, is_closed = hear(connection, QUIET_S, time.monotonic() + 5)
    found, rest = answers_in(data)
    statuses = [answer.status for answer in found]
    return {"answers": statuses, "other_bytes": len(rest), "ended": "closed" if is_closed else "open"}


def verdict(seen: dict, allowed: str) -> str:
    """`lenient`: one request for everybody who takes it at all, though the RFC
    wants a 400."""
    statuses, is_closed = seen["answers"], seen["ended"] == "closed"
    if HIDDEN_STATUS in statuses or len(statuses) > 2:
        return "BROKEN"  # what was hidden is answered, or more than was asked
    if is_closed and (not statuses or statuses == [400]):
        return "rejected" if allowed != ONE else "BROKEN"
    is_one = len(statuses) == 1 and is_closed or len(statuses) == 2 and statuses[1] == MARKER_STATUS
    if not is_one:
        return "BROKEN"
    return "one" if allowed != NONE else "lenient"


def show(result: dict) -> list[str]:
    lines = [f"{'smuggling: a shape, then a marker (404)':40}{'RFC 9112':13}{'answers':15}verdict",
             "-" * WIDTH]
    for name, seen in result["shapes"].items():
        statuses = " ".join(map(str, seen["answers"])) or ("HTTP/2" if seen["other_bytes"] else "none")
        end = " closed" if seen["ended"] == "closed" else ""
        lines.append(f"{name:40}{seen['rfc']:13}{statuses + end:15}{seen['verdict']}")
    return lines
