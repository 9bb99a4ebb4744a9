"""HTTP/1.1 as bytes: requests made by hand, and the answers to them."""

import asyncio
import socket
import time
from dataclasses import dataclass

END_OF_HEAD = b"\r\n\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes = b""

    def closes(self) -> bool:
        return "close" in self.headers.get("connection", "").lower()

    def length(self) -> int:
        return int(self.headers.get("content-length", 0))


class Refused(Exception):
    """No connection: nothing was asked."""


class Broken(Exception):
    """A request was sent, and its answer did not come whole."""


def get(path: str, *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]
    return "\r\n".join(lines).encode()


def post(path: str, *headers: str) -> bytes:
    """The head; the caller sends the body."""
    return get(path, *headers).replace(b"GET", b"POST", 1)


def refresh(authid: str, *headers: str) -> bytes:
    return get("/refresh", f"X-AuthID: {authid}", *headers)


def read_head(head: bytes) -> Answer:
    """ValueError if it is no answer of HTTP/1."""
    first, *lines = head.decode("latin-1").split("\r\n")
    version, status, *_ = first.split(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError("not HTTP/1")
    fields = (line.partition(":") for line in lines if line)
    return Answer(int(status), {name.lower(): value.strip() for name, _, value in fields})


def answers_in(data: bytes) -> tuple[list[Answer], bytes]:
    """Every whole final answer, and what is left. authseal's have a length."""
    answers = []
    while (end := data.find(END_OF_HEAD)) >= 0:
        try:
            answer = read_head(data[:end])
        except ValueError:
            break
        rest = data[end + len(END_OF_HEAD):]
        if len(rest) < answer.length():
            break
        answer.body, data = rest[:answer.length()], rest[answer.length():]
        if answer.status >= 200:
            answers.append(answer)
    return answers, data


def hear(connection: socket.socket, quiet_s: float, until: float) -> tuple[bytes, bool]:
    """All that comes until it is closed, or quiet for so long; and whether it was
    closed."""
    data = b""
    while (left := min(quiet_s, until - time.monotonic())) > 0:
        connection.settimeout(left)
        try:
            piece = connection.recv(65536)
        except TimeoutError:
            break
        except OSError:
            return data, True
        if not piece:
            return data, True
        data += piece
    return data, False


class Client:
    """Keeps one connection while the server does."""

    def __init__(self, port: int):
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def close(self) -> None:
        if self._streams:
            self._streams[1].transport.abort()
            self._streams = None

    async def ask(self, request: bytes, rest: bytes = b"", after_s: float = 0) -> Answer:
        """Sends the rest of the request so much later. Refused or Broken; whoever cancels it
        must close() too."""
        if self._streams and self._streams[0].at_eof():
            self.close()  # closed while idle, before anything was sent
        if not self._streams:
            try:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError as error:
                raise Refused from error
        reader, writer = self._streams
        try:
            writer.write(request)
            if rest:
                await asyncio.sleep(after_s)
                writer.write(rest)
            answer = read_head((await reader.readuntil(END_OF_HEAD))[:-len(END_OF_HEAD)])
            answer.body = await reader.readexactly(answer.length())
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            self.close()
            raise Broken from error
        if answer.closes():
            self.close()
        return answer
