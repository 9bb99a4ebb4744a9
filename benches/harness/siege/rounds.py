"""Rounds without and with an attack, and the two compared."""

from typing import Callable

from ..table import row


def interleaved(rounds: int, one_round: Callable[[bool], dict]) -> dict[str, list[dict]]:
    """So many rounds of each side, each pair in the other order than the one before, so that
    what else happens on the machine meets both sides alike."""
    seen: dict[str, list[dict]] = {"without": [], "with": []}
    for number in range(rounds):
        for is_attacked in (False, True) if number % 2 == 0 else (True, False):
            seen["with" if is_attacked else "without"].append(one_round(is_attacked))
    return seen


def most(rounds: list[dict]) -> dict:
    """The most that a server needed in any of them; a `Watch` saw it."""
    return {name: max(one[name] for one in rounds) for name in ("growth_bytes", "peak_files")}


def compared(seen: dict, *fields: tuple[str, str, str]) -> list[str]:
    """A row for each field, its label and its form."""
    sides = [(label, form, seen["without"][field], seen["with"][field]) for field, label, form in fields]
    return [row(label, form.format(quiet), form.format(attacked), f"{attacked / max(quiet, 1e-9):.2f}")
            for label, form, quiet, attacked in sides]


def failures(label: str, seen: dict) -> str:
    return row(label, *(f"{seen[side]['failed']:,}" for side in ("without", "with")))
