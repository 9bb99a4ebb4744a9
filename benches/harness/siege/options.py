"""How long and how often; benches/siege reads it from its command line."""

from dataclasses import dataclass
from pathlib import Path


@dataclass
class Options:
    rounds: int
    seconds: int  # of a round
    minutes: float  # of the soak
    share: float  # of full load, for the soak
    samples: Path | None  # where the soak writes what it sees
    before: Path | None  # an older build of authseal, for dead and outage
