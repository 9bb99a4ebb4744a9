"""What must hold, and what the tables say when it does not."""

MAX_CONNECTIONS = 2000  # authseal's default
# What it keeps free besides: calls to providers, keys, and connections that were
# displaced and are not closed yet. Beyond that, accepting fails.
OTHER_FILES = 1024
MOST_FILES = MAX_CONNECTIONS + OTHER_FILES
MOST_GROWTH_BYTES = 100e6


class Bounds:
    """Those of one part that were broken."""

    def __init__(self) -> None:
        self.broken: list[str] = []

    def at_most(self, what: str, value: float, limit: float) -> None:
        if value > limit:
            self.broken.append(f"{what}: {_short(value)}, more than {_short(limit)}")

    def at_least(self, what: str, value: float, limit: float) -> None:
        if value < limit:
            self.broken.append(f"{what}: {_short(value)}, less than {_short(limit)}")

    def of_resources(self, seen: dict, where: str = "") -> None:
        """Of what a `Watch` saw."""
        self.at_most(f"{where}file descriptors", seen["peak_files"], MOST_FILES)
        self.at_most(f"{where}memory growth, bytes", seen["growth_bytes"], MOST_GROWTH_BYTES)

    def holds(self, what: str, is_so: bool) -> None:
        if not is_so:
            self.broken.append(what)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"
