"""Far more connections than there is room for."""

from ..bed import Bed, first_line
from ..table import head, row
from . import clients
from .aside import Aside
from .attackers import Crowd, besiege
from .bounds import MAX_CONNECTIONS, Bounds
from .options import Options
from .watch import Watch, wait_for_few_files

EXTRA = 10_000
COUNT = MAX_CONNECTIONS + EXTRA
OPEN_WITHIN_S = 60


def run(bed: Bed, options: Options) -> dict:
    authseal, authids = clients.served(bed)
    files_before = authseal.program.open_files()
    with Watch(authseal.program) as watch:
        crowd = Crowd(authseal.port, COUNT, ("silent", "asked once"))
        with Aside(besiege, crowd, deadline_s=OPEN_WITHIN_S + options.seconds + 30) as attack:
            # The crowd grows while the clients are served.
            served = clients.ask(authseal, authids, options.seconds)
            has_opened = attack.wait_until(
                lambda seen: seen["opened"] + seen["refused"] >= COUNT, OPEN_WITHIN_S)
            files = authseal.program.open_files()
            displaced = authseal.metric("authseal_connections_displaced_total")
            crowd_seen = attack.stop()
    result = {"clients": served, "crowd": crowd_seen, "displaced": displaced, "files": files,
              "files_before": files_before, **watch.figures(),
              "recovers": wait_for_few_files(authseal.program, files_before + 50),
              "answers_after": authseal.answers(first_line(authids))}
    bed.programs.stop(authseal.program)
    return result | {"broken": check(result, has_opened)}


def check(result: dict, has_opened: bool) -> list[str]:
    bounds = Bounds()
    bounds.holds(f"the {COUNT:,} connections could not all be opened", has_opened)
    bounds.at_most("failed requests", result["clients"]["failed"], 0)
    bounds.of_resources(result)
    bounds.at_least("connections closed by the server", result["crowd"]["closed"], EXTRA)
    bounds.holds("the file descriptors of the crowd stayed open after it", result["recovers"])
    bounds.holds("no answer afterwards", result["answers_after"])
    return bounds.broken


def show(result: dict) -> list[str]:
    served, crowd = result["clients"], result["crowd"]
    displaced = "?" if result["displaced"] is None else f"{result['displaced']:,.0f}"
    return [head(f"crowd of {COUNT:,} connections"),
            row("opened, refused", f"{crowd['opened']:,}", f"{crowd['refused']:,}"),
            row("closed by the server, displaced (metric)", f"{crowd['closed']:,}", displaced),
            row("file descriptors before, at most", f"{result['files_before']:,}",
                f"{result['peak_files']:,}"),
            row("memory before, at most", f"{result['before_bytes'] / 1e6:.1f} MB",
                f"{result['peak_bytes'] / 1e6:.1f} MB"),
            row("refreshes meanwhile: answered, failed", f"{served['requests']:,}",
                f"{served['failed']:,}"),
            row("refreshes meanwhile: p50, p99, µs", f"{served['p50_us']:,}", f"{served['p99_us']:,}"),
            row("answers afterwards", "", "yes" if result["answers_after"] else "no")]
