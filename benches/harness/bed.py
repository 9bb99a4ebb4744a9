"""What the measurements stand on: a folder with a key, providers and AuthIDs."""

import ssl
import urllib.request
from functools import cached_property
from pathlib import Path

from .authseal import SERVICE, Authseal, Provider
from .programs import Program, Programs, bench_output, free_port, wait_until_open

TOKEN_CHARACTERS = 110
ACCESS_TOKEN_CHARACTERS = 220
LONG_S, SHORT_S = 3600, 1  # authseal caches no token that lives for a second


class Bed:
    """A folder with one key, and the providers and AuthIDs that go with it."""

    def __init__(self, programs: Programs, binary: Path, folder: Path):
        self.programs, self.binary, self.folder = programs, binary, folder

    @cached_property
    def lasting_stub(self) -> str:
        return self._stub(LONG_S)

    @cached_property
    def brief_stub(self) -> str:
        return self._stub(SHORT_S)

    @cached_property
    def single_use_stub(self) -> str:
        return self._stub(SHORT_S, TOKEN_CHARACTERS)

    @cached_property
    def tls_stub(self) -> str:
        """A brief one under TLS, whose certificate is `certificate`."""
        return self._stub(SHORT_S, environment={"CERTIFICATE": str(self.certificate)})

    @property
    def certificate(self) -> Path:
        return self.folder / "stub.pem"

    def _stub(self, expires_in: int, *refresh_token_characters: int, **options: dict) -> str:
        return self.programs.start_bare("provider-stub", ACCESS_TOKEN_CHARACTERS, expires_in,
                                        *refresh_token_characters, **options)[1]

    def authseal(self, stub: str, refresh_tokens: str = "stable", **options: object) -> Authseal:
        """One whose only service is the usual one."""
        return self.authseal_of([Provider(SERVICE, stub, refresh_tokens)], **options)

    def authseal_of(self, stubs: list[Provider], **options: object) -> Authseal:
        return Authseal(self.programs, self.binary, self.folder, stubs, **options)

    def redis(self) -> tuple[Program, str]:
        """A Redis as docs/store.md wants it, and its URL."""
        folder, port = self.folder / "redis", free_port()
        folder.mkdir()
        program = self.programs.start(
            ["redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", folder, "--save", "",
             "--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"],
            log=folder / "log")
        wait_until_open(program, port)
        return program, f"redis://127.0.0.1:{port}"

    def authids(self, count: int, service: str = SERVICE) -> Path:
        """A file of that many different AuthIDs."""
        path = self.folder / f"authids-{service}-{count}"
        if not path.exists():
            path.write_text("".join(f"{authid}\n" for authid in self.new_authids(count, service)))
        return path

    def authids_of(self, stub: str, count: int) -> Path:
        """The same, where perhaps nobody has started an authseal and made the key yet."""
        if not any((self.folder / "keys").glob("*.jwk")):
            self.programs.stop(self.authseal(stub).program)
        return self.authids(count)

    @property
    def key_file(self) -> Path:
        """The key that the first started authseal made."""
        return next((self.folder / "keys").glob("*.jwk"))

    def new_authids(self, count: int, service: str = SERVICE) -> list[str]:
        """AuthIDs that nobody had before, under that key."""
        return bench_output("make-authids", self.key_file, count, service, TOKEN_CHARACTERS).split()


def provider_calls(stub: str) -> int:
    # Of a certificate that was made for this run nothing needs to be known.
    context = ssl._create_unverified_context() if stub.startswith("https:") else None
    with urllib.request.urlopen(stub, timeout=10, context=context) as answer:
        return int(answer.read())


def first_line(path: Path) -> str:
    with path.open() as file:
        return file.readline().strip()
