"""What both command lines have in common."""

import argparse
import json
from pathlib import Path


def parser(description: str, parts: list[str], default: list[str], rounds: int, seconds: int) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=description)
    left_out = ", ".join(part for part in parts if part not in default)
    made.add_argument("--only", type=lambda text: part_list(text, parts), default=default, metavar="PART,...",
                      help=f"of {', '.join(parts)}; default: all" + (f" but {left_out}" if left_out else ""))
    made.add_argument("--rounds", type=positive, default=rounds, help=f"of each side; default {rounds}")
    made.add_argument("--seconds", type=positive, default=seconds, help=f"of a round; default {seconds}")
    made.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    made.add_argument("--authseal", type=Path, metavar="BINARY", help="take another build")
    made.add_argument("--no-build", action="store_true", help="take what target/release holds")
    return made


def part_list(text: str, parts: list[str]) -> list[str]:
    chosen = text.split(",")
    if unknown := set(chosen) - set(parts):
        raise argparse.ArgumentTypeError(f"no such part: {', '.join(sorted(unknown))}")
    return chosen


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def write(figures: dict, path: Path | None) -> None:
    if path:
        path.write_text(json.dumps(figures, indent=2) + "\n")
