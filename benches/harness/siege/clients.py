"""The clients that want to be served all the same: few, with known AuthIDs."""

from pathlib import Path

from ..authseal import Authseal
from ..bed import Bed
from ..load import Load, measure, send_all, wrk

AUTHIDS, CLIENTS = 1_000, 20
PAUSE_MS = 20  # each sends about fifty requests a second


def served(bed: Bed) -> tuple[Authseal, Path]:
    """A server, and the AuthIDs that it has cached."""
    authseal, authids = bed.authseal(bed.lasting_stub), bed.authids(AUTHIDS)
    send_all(Load(2, CLIENTS, 1), authseal.address, authids)
    return authseal, authids


def ask(authseal: Authseal, authids: Path, seconds: int, closes: bool = False) -> dict:
    return measure(Load(2, CLIENTS, seconds, PAUSE_MS, closes), authseal.program, authseal.address,
                   authids, run=wrk)
