"""authseal as the benches run it: services whose providers are stubs."""

import os
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from .programs import Program, Programs, free_port, wait_until_ready

SERVICE = "stub"
# As long as those of a real Google application.
CLIENT_ID = "c" * 72
CLIENT_SECRET = "s" * 35
# The request line and hyper's own headers are the same on both sides.
HYPERS_OWN = {"content-length", "date", "connection", "transfer-encoding"}

PROVIDER = """
[provider.{service}]
name           = "{service}"
credentials    = ["STUB"]
authorize_url  = "{url}/authorize"
token_url      = "{url}/token"
refresh_tokens = "{refresh_tokens}"

[service.{service}]
provider = "{service}"
name     = "{service}"
scope    = "x"
"""


@dataclass
class Provider:
    """A stub with one service, which has the provider's name."""

    service: str
    url: str
    refresh_tokens: str = "stable"

    def table(self) -> str:
        return PROVIDER.format(**vars(self))


class Authseal:
    """One running server and how long it took to be ready."""

    def __init__(self, programs: Programs, binary: Path, folder: Path, stubs: list[Provider],
                 store: str | None = None, environment: dict | None = None, log: Path | None = None,
                 under: list[str] | None = None):
        """`under` are the words of a tool in front of the command."""
        port, admin_port = free_port(), free_port()
        providers = folder / f"providers-{port}.toml"
        providers.write_text("".join(stub.table() for stub in stubs))
        self.address, self.port = f"http://127.0.0.1:{port}", port
        self.admin_address = f"http://127.0.0.1:{admin_port}"
        before = time.monotonic()
        self.program: Program = programs.start([*(under or []), binary, "serve"], {
            "PATH": os.environ["PATH"],
            "AUTHSEAL_PUBLIC_URL": f"http://localhost:{port}",
            "AUTHSEAL_LISTEN": f"127.0.0.1:{port}",
            "AUTHSEAL_ADMIN_LISTEN": f"127.0.0.1:{admin_port}",
            "AUTHSEAL_KEYS_DIR": str(folder / "keys"),
            "AUTHSEAL_PROVIDERS": str(providers),
            "AUTHSEAL_LOG": "warn",
            "STUB_CLIENT_ID": CLIENT_ID,
            "STUB_CLIENT_SECRET": CLIENT_SECRET,
            **({"AUTHSEAL_STORE_URL": store} if store else {}),
            **(environment or {}),
        }, log=log or folder / f"authseal-{port}.log")
        self.start_seconds = wait_until_ready(self.program, admin_port, 120 if under else 10) - before

    def refresh(self, authid: str) -> tuple[list[str], int]:
        """One real answer: its headers but for hyper's own, and its body's size."""
        request = urllib.request.Request(f"{self.address}/refresh", headers={"X-AuthID": authid})
        with urllib.request.urlopen(request, timeout=30) as answer:
            headers = [f"{name}: {value}" for name, value in answer.headers.items()
                       if name.lower() not in HYPERS_OWN]
            return headers, len(answer.read())

    def answers(self, authid: str) -> bool:
        """False if a refresh fails."""
        try:
            self.refresh(authid)
        except OSError:
            return False
        return True

    def metric(self, name: str) -> float | None:
        """The sum over all labels; `None` for a build that does not count it."""
        with urllib.request.urlopen(f"{self.admin_address}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        values = [float(line.rpartition(" ")[2]) for line in lines
                  if line.partition(" ")[0].partition("{")[0] == name]
        return sum(values) if values else None


def form_bytes(token_characters: int) -> int:
    """The size of the form that authseal sends to refresh (RFC 6749 section 6)."""
    return len("grant_type=refresh_token&refresh_token=&client_id=&client_secret=") \
        + token_characters + len(CLIENT_ID) + len(CLIENT_SECRET)
