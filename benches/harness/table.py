"""The figures as a table for people."""

from functools import partial

WIDTH = 78


def show(figures: dict) -> str:
    """One block for each part that was run."""
    machine = figures["machine"]
    lines = [f"{machine['cores']} cores ({machine['cpu']}), load before the run "
             f"{machine['load_before']:.1f}, wrk with {machine['threads']} threads and "
             f"{machine['connections']} connections"]
    blocks = {"default": partial(comparison, "(g) cached, default log", "bare server"),
              "default-uncached": partial(comparison, "(g) uncached, default log", "forwarder"),
              "size": size, "seal": seal,
              "cached": partial(comparison, "(b) cached /refresh", "bare server"),
              "latency": partial(comparison, "(b) cached /refresh, half load", "bare server"),
              "uncached": partial(comparison, "(c) uncached /refresh", "forwarder"),
              "tls": partial(comparison, "(c) the same, TLS to the provider", "forwarder"),
              "store": store, "memory": memory, "start": start}
    for part, block in blocks.items():
        if part in figures:
            lines += ["", *block(figures[part])]
    return "\n".join(lines)


def seal(sizes: list[dict]) -> list[str]:
    return [head("(a) AuthID", "seal", "open", "longer by"),
            *(row(f"refresh token of {size['token_characters']:,} characters",
                  f"{size['seal_us']:.2f} µs", f"{size['open_us']:.2f} µs",
                  f"{size['authid_characters'] - size['token_characters']:,}") for size in sizes)]


def size(binary_bytes: int) -> list[str]:
    return [row("the program, stripped", "", f"{binary_bytes / 1e6:.1f} MB")]


def store(result: dict) -> list[str]:
    lines = comparison("(f) single-use /refresh", "memory", result, "with Redis")
    lines.append(row("CPU time of Redis per request, µs", "", f"{result['redis_cpu_us']:.2f}"))
    in_folder = result | {"authseal": result["folder"], "ratio": {
        name: result["folder"][name] / result["bare"][name] for name in result["ratio"]},
        "rounds": result["rounds"] | {"authseal": result["rounds"]["folder"]}}
    lines += comparison("(f) single-use /refresh", "memory", in_folder, "in a folder")
    full = result["full_folder"]
    starts, memory = full["start_ms"], full["resident_bytes"]
    return [*lines, head(f"    a folder with {full['logins']:,} logins", "no store", "folder"),
            row("size of its file", "", f"{full['file_bytes'] / 1e6:.1f} MB"),
            row("start to first answer", f"{starts['none']:.1f} ms", f"{starts['folder']:.1f} ms"),
            row("resident memory", f"{memory['none'] / 1e6:.1f} MB", f"{memory['folder'] / 1e6:.1f} MB")]


def comparison(title: str, other: str, result: dict, this: str = "authseal") -> list[str]:
    units = {"requests_per_s": ("requests/s", "{:,.0f}"), "p50_us": ("p50, µs", "{:,.0f}"),
             "p99_us": ("p99, µs", "{:,.0f}"), "cpu_us": ("CPU time per request, µs", "{:.2f}")}
    rounds = len(result["rounds"]["bare"])
    lines = [head(f"{title}, medians of {rounds}", other, this, "ratio")]
    for name, (label, form) in units.items():
        lines.append(row(label, form.format(result["bare"][name]),
                         form.format(result["authseal"][name]), f"{result['ratio'][name]:.2f}"))
    for side, words in {"quiet": "without log lines", "floor": "beside the floor"}.items():
        for name, (label, form) in units.items() if side in result else ():
            lines.append(row(f"{words}: {label}", form.format(result[side][name]),
                             form.format(result["authseal"][name]), f"{result[f'ratio_to_{side}'][name]:.2f}"))
    lowest, highest = spread(result["rounds"])
    return [*lines, row("requests/s ratio of single rounds, from and to", "", f"{lowest:.2f}", f"{highest:.2f}")]


def spread(rounds: dict) -> tuple[float, float]:
    """How far the machine's noise carries a single pair of rounds."""
    ratios = [one["requests_per_s"] / other["requests_per_s"]
              for one, other in zip(rounds["authseal"], rounds["bare"])]
    return min(ratios), max(ratios)


def memory(result: dict) -> list[str]:
    return [head("(d) resident memory", "idle", "full", "each"),
            row(f"{result['authids']:,} different AuthIDs", f"{result['idle_bytes'] / 1e6:.1f} MB",
                f"{result['full_bytes'] / 1e6:.1f} MB", f"{result['bytes_per_authid']:,.0f} B"),
            row("calls to the provider", "", f"{result['provider_calls']:,}"),
            *cache_off(result["cache_off"])]


def cache_off(result: dict) -> list[str]:
    return [row(f"without a cache, {result['authids']:,} AuthIDs",
                f"{result['warm_bytes'] / 1e6:.1f} MB", f"{result['after_bytes'] / 1e6:.1f} MB"),
            row("calls to the provider", "", f"{result['provider_calls']:,}")]


def start(result: dict) -> list[str]:
    times = result["all_ms"]
    return [head("(e) start to first answer", "median", "least", "most"),
            row(f"{len(times)} starts", f"{result['median_ms']:.1f} ms", f"{min(times):.1f} ms",
                f"{max(times):.1f} ms")]


def instructions(kinds: dict) -> str:
    lines = [head("instructions per request", *next(iter(kinds.values())))]
    for kind, sides in kinds.items():
        lines.append(row(f"{kind} /refresh", *(f"{figure:,}" for figure in sides.values())))
    return "\n".join(lines)


def head(*cells: str) -> str:
    return f"{row(*cells)}\n{'-' * WIDTH}"


def row(label: str, *cells: str) -> str:
    return label.ljust(WIDTH - 36) + "".join(cell.rjust(12) for cell in cells)
