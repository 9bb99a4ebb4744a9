"""User-space instructions and allocations per request, counted by callgrind. Unlike times, they are
the same in every run, on a busy machine too."""

import base64
import http.client
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from .authseal import Authseal, form_bytes
from .bed import TOKEN_CHARACTERS, Bed, provider_calls
from .programs import Program

# How much dearer than the committed figure a request may be.
TOLERANCE = 0.03
# Extensions by which libraries choose their code, of those that valgrind passes on.
EXTENSIONS = ["aes", "avx2", "bmi2", "fma", "pclmulqdq", "rdrand", "sse4_2"]
LOGINS = 20
SIDES = ["bare", "floor", "authseal"]
# The next request of a connection is sent when the last one is answered, so one worker suffices.
ONE_WORKER = {"TOKIO_WORKER_THREADS": "1"}
# Functions by which a program gets memory: mimalloc's, and the C library's.
ALLOCATORS = re.compile(r"(mi_)?(m|z|c|re)alloc(_aligned)?")
# Of a callee, and of the calls to it. A name is given once, with a number for the next time.
CALLEE = re.compile(r"c?fn=\((\d+)\)(?: (.*))?")


# Lines of revoked.txt that revoke other logins than those of the load.
REVOKED = 100_000
OTHER_RULES = ["all before=2020-01-01T00:00:00Z", "service=other before=2030-01-01T00:00:00Z",
               "kid=zzzzzzzz before=2020-01-01T00:00:00Z"]


@dataclass
class Kind:
    """One way in which a refresh goes."""

    stub: str
    is_cached: bool
    environment: dict


@dataclass
class Cost:
    """What a thread took, or a request."""

    instructions: int
    allocations: int

    def less(self, other: "Cost") -> "Cost":
        return Cost(self.instructions - other.instructions, self.allocations - other.allocations)


KINDS = {
    "cached": lambda bed: Kind(bed.lasting_stub, True, {}),
    "uncached": lambda bed: Kind(bed.brief_stub, False, {}),
    "tls": lambda bed: Kind(bed.tls_stub, False, {"SSL_CERT_FILE": str(bed.certificate)}),
    # The last one: the lines stay.
    "revoked": lambda bed: with_revocations(bed, KINDS["cached"](bed)),
}


def with_revocations(bed: Bed, kind: Kind) -> Kind:
    """The same with many lines in revoked.txt, and a rule of every kind."""
    lineages = (base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=") for _ in range(REVOKED))
    bed.key_file.with_name("revoked.txt").write_text("\n".join([*lineages, *OTHER_RULES, ""]))
    return kind


def measure(bed: Bed, kinds: list[str], sides: list[str], requests: int) -> dict:
    """Instructions per request, by kind and side; and authseal's allocations, if the program has
    symbols."""
    authids = bed.authids_of(bed.lasting_stub, LOGINS).read_text().split()
    return {kind: of_kind(bed, KINDS[kind](bed), sides, authids, requests) for kind in kinds}


def of_kind(bed: Bed, kind: Kind, sides: list[str], authids: list[str], requests: int) -> dict:
    first = bed.authseal(kind.stub, environment=kind.environment)
    headers, body_bytes = first.refresh(authids[0])
    bed.programs.stop(first.program)
    token_url = f"{kind.stub}/token"
    bare = ["bare-server", body_bytes] if kind.is_cached \
        else ["bare-forwarder", token_url, form_bytes(TOKEN_CHARACTERS)]
    starts = {
        "bare": lambda: start_bare(bed, kind, *bare, *headers),
        "floor": lambda: start_bare(bed, kind, "sealed-floor", bed.key_file, token_url, *headers),
        "authseal": lambda: start_authseal(bed, kind),
    }
    costs = {side: per_request(bed, kind, starts[side], authids, requests) for side in sides}
    figures = {side: cost.instructions for side, cost in costs.items()}
    if costs["authseal"].allocations:
        figures["allocations"] = costs["authseal"].allocations
    return figures


def start_bare(bed: Bed, kind: Kind, *command: object) -> tuple[Program, str]:
    return bed.programs.start_bare(*command, environment=kind.environment | ONE_WORKER,
                                   under=callgrind(bed))


def start_authseal(bed: Bed, kind: Kind) -> tuple[Program, str]:
    authseal: Authseal = bed.authseal(kind.stub, environment=kind.environment | ONE_WORKER,
                                      under=callgrind(bed))
    return authseal.program, authseal.address


def callgrind(bed: Bed) -> list[str]:
    return ["valgrind", "--tool=callgrind", "--separate-threads=yes",
            f"--callgrind-out-file={bed.folder}/callgrind-%p"]


def per_request(bed: Bed, kind: Kind, start: Callable[[], tuple[Program, str]], authids: list[str],
                requests: int) -> Cost:
    """What two processes do alike, from the start to the end, falls away in the difference. Only
    the worker's thread counts: what others do depends on the time that the load takes."""
    once, twice = (totals(bed, kind, start(), authids, times * requests) for times in (1, 2))
    differences = (twice[thread].less(once[thread]) for thread in once.keys() & twice)
    worker = max(differences, key=lambda cost: cost.instructions)
    return Cost(round(worker.instructions / requests), round(worker.allocations / requests))


def totals(bed: Bed, kind: Kind, started: tuple[Program, str], authids: list[str],
           requests: int) -> dict[str, Cost]:
    """What each thread took."""
    program, address = started
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
    send(connection, authids, len(authids))  # fills the cache
    before = provider_calls(kind.stub)
    send(connection, authids, requests)
    calls = provider_calls(kind.stub) - before
    connection.close()
    # A bare server calls none.
    if kind.is_cached and calls or not kind.is_cached and calls != requests:
        sys.exit(f"{requests} refreshes called the provider {calls} times")
    bed.programs.stop(program, deadline_s=60)
    return {file.name.rpartition("-")[2]: cost_of(file)
            for file in bed.folder.glob(f"callgrind-{program.pid}-*")}


def cost_of(file: Path) -> Cost:
    cost, names, callee = Cost(0, 0), {}, ""
    for line in file.read_text().splitlines():
        if line.startswith(("totals:", "summary:")):
            cost.instructions = int(line.split()[1])
        elif named := CALLEE.match(line):
            number, name = named.groups()
            callee = names.setdefault(number, name)
        elif line.startswith("calls=") and ALLOCATORS.fullmatch(callee):
            cost.allocations += int(line.removeprefix("calls=").split()[0])
    return cost


def send(connection: http.client.HTTPConnection, authids: list[str], requests: int) -> None:
    """Sends so many requests on one connection, each after the answer to the last one."""
    for number in range(requests):
        headers = {"X-AuthID": authids[number % len(authids)], "User-Agent": "Duplicati v2.1"}
        connection.request("GET", "/refresh", headers=headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            sys.exit(f"a refresh failed with status {answer.status}")


def dearer(before: dict, now: dict) -> list[str]:
    """Kinds of refresh that cost more than the committed figures allow."""
    return [f"  {kind}: {now[kind]['authseal']:,} instructions, were {figures['authseal']:,}"
            for kind, figures in before.items()
            if kind in now and now[kind]["authseal"] > figures["authseal"] * (1 + TOLERANCE)]


def cheaper(one: dict, other: dict) -> dict:
    """The lower figure of each kind and side."""
    return {kind: {side: min(figure, other[kind][side]) for side, figure in sides.items()}
            for kind, sides in one.items()}


def cpu() -> list[str]:
    """The extensions that this processor has. Figures of another kind are not comparable."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return [name for name in EXTENSIONS if name in flags]
