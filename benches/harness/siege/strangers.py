"""What anybody can send without an AuthID, while others refresh at the same provider:
made-up codes, AuthIDs and passwords, from one network and from many."""

import asyncio
import socket
import struct
import time
from collections import Counter
from dataclasses import dataclass
from typing import Awaitable, Callable

from ..authseal import SERVICE, Authseal, Provider
from ..bed import Bed
from ..table import head, row
from . import paced
from .answering_provider import JUNK_S, AnsweringProvider
from .answers import FORM, Answer, Broken, Client, Refused, get, post
from .aside import Aside, Inside
from .bounds import Bounds
from .options import Options
from .paced import PATIENCE_S, load
from .rounds import compared, failures, interleaved

RATE = 200  # refreshes a second, none of them cached
AUTHIDS = 10_000
CONNECTIONS, PAUSE_S = 1_250, 1.0  # of an attack; each pauses between two requests
NETWORKS = 400
PLACES = 16  # for strangers' calls to one provider (provider/lane.rs)
AT_ONCE, EVERY_S = 20, 6  # codes from one household (login/attempts.rs)
PASSWORD = "the-password-of-the-siege"
MOST_P99_RATIO, P99_LEEWAY_MS = 3.0, 10.0
RIGHT_PASSWORD_WITHIN_S = 20


@dataclass
class Attack:
    """What is done, and how many calls may reach the provider in so many seconds."""

    what: str
    most_calls: Callable[[float], float]
    junk_status: int = 400
    environment: tuple = ()


# As many as the lane lets through, whoever asks.
def as_many_as_fit(seconds: float) -> float:
    return PLACES * (seconds / JUNK_S + 2)


ATTACKS = {
    "one cookie": Attack("made-up codes with one login's cookie", lambda seconds: 1),
    "one network": Attack("made-up codes, each with a login of its own",
                          lambda seconds: AT_ONCE + seconds / EVERY_S + 1),
    "many networks": Attack(f"the same from {NETWORKS} networks", as_many_as_fit),
    "429 to codes": Attack("the same, and the provider answers with 429", as_many_as_fit, 429),
    "clear AuthIDs": Attack(f"made-up AuthIDs from {NETWORKS} networks", as_many_as_fit,
                            environment=(("AUTHSEAL_ACCEPT_V2_PLAIN", "true"),)),
    "passwords": Attack(f"wrong passwords from {NETWORKS} networks", lambda seconds: 0,
                        environment=(("AUTHSEAL_LOGIN_PASSWORD", PASSWORD),)),
    "resets": Attack("HTTP/2 requests that are reset at once", lambda seconds: 0),
}


def network(number: int) -> str:
    """An address in a /24 of its own."""
    number %= NETWORKS
    return f"X-Forwarded-For: 10.{number // 250}.{number % 250}.7"


def run(bed: Bed, options: Options) -> dict:
    bounds, attacks = Bounds(), {}
    deadline_s = len(ATTACKS) * options.rounds * (2 * options.seconds + PATIENCE_S + 60)
    with AnsweringProvider(deadline_s) as provider:
        for name, attack in ATTACKS.items():
            rounds = interleaved(options.rounds, lambda is_attacked: one_round(
                bed, provider, name, is_attacked, options.seconds))
            attacks[name] = summary(attack, rounds, options.seconds)
            check(bounds, name, attacks[name])
    return {"attacks": attacks, "broken": bounds.broken}


def one_round(bed: Bed, provider: AnsweringProvider, name: str, is_attacked: bool, seconds: int) -> dict:
    """A new server each time: what was counted in one round is not held against the next."""
    attack, patience = ATTACKS[name], seconds + PATIENCE_S + 10
    provider.answer_junk_with(attack.junk_status)
    environment = {"AUTHSEAL_TRUSTED_PROXIES": "127.0.0.1", "AUTHSEAL_LOG": "error", **dict(attack.environment)}
    authseal = bed.authseal_of([Provider(SERVICE, provider.url)], environment=environment)
    result = {"attacker": {}, "right_password_s": None}
    with Aside(load, authseal.port, bed.authids(AUTHIDS), RATE, seconds, deadline_s=patience) as victims:
        if is_attacked:
            with Aside(besiege, authseal.port, name, deadline_s=seconds + 5) as attackers:
                if name == "passwords":
                    time.sleep(seconds / 2)
                    result["right_password_s"] = enter(authseal)
                result["victims"] = victims.result(patience)
                result["attacker"] = attackers.stop()
        else:
            result["victims"] = victims.result(patience)
    result["calls"] = provider.junk.value
    bed.programs.stop(authseal.program)
    return result


def enter(authseal: Authseal) -> float | None:
    """How long somebody else waits who knows the password."""
    begin = time.monotonic()
    asking = Client(authseal.port).ask(password(PASSWORD, "X-Forwarded-For: 192.0.2.1"))
    try:
        answer = asyncio.run(asyncio.wait_for(asking, PATIENCE_S))
    except (TimeoutError, Refused, Broken):
        return None
    return time.monotonic() - begin if answer.status == 303 else None


def password(text: str, *headers: str) -> bytes:
    form = f"next=/&password={text}".encode()
    return post("/password", FORM, *headers, f"Content-Length: {len(form)}") + form


def besiege(inside: Inside, port: int, name: str) -> dict:
    """Work for an Aside: attacks until it is over."""
    if name == "resets":
        return {"answers": dict(resets(inside, port))}
    return {"answers": dict(asyncio.run(all_at_once(inside, port, name)))}


async def all_at_once(inside: Inside, port: int, name: str) -> Counter:
    seen: Counter = Counter()
    shared = await begin(Client(port)) if name == "one cookie" else None

    async def attacker(number: int) -> None:
        client, turn = Client(port), number
        await asyncio.sleep(number / CONNECTIONS * PAUSE_S)
        while not inside.is_over():
            turn += CONNECTIONS
            try:
                seen[str((await one_try(client, name, turn, shared)).status)] += 1
            except (Refused, Broken):
                seen["no answer"] += 1
            await asyncio.sleep(PAUSE_S)
        client.close()

    attackers = [asyncio.create_task(attacker(number)) for number in range(CONNECTIONS)]
    while not inside.is_over():
        await asyncio.sleep(0.1)
    for one in attackers:
        one.cancel()
    await asyncio.gather(*attackers, return_exceptions=True)
    return seen


Begun = tuple[str, str]


async def begin(client: Client) -> Begun:
    """A login's state and cookie."""
    answer = await client.ask(get(f"/login?id={SERVICE}"))
    location, cookie = answer.headers["location"], answer.headers["set-cookie"]
    return location.partition("state=")[2].partition("&")[0], cookie.partition(";")[0]


def one_try(client: Client, name: str, turn: int, shared: Begun | None) -> Awaitable[Answer]:
    match name:
        case "clear AuthIDs":
            return client.ask(get("/refresh", f"X-AuthID: v2:{SERVICE}:made-up-{turn}", network(turn)))
        case "passwords":
            return client.ask(password(f"a guess {turn}", network(turn)))
        case _:
            is_one = name in ("one cookie", "one network")
            return call_back(client, turn, shared, network(0 if is_one else turn))


async def call_back(client: Client, turn: int, shared: Begun | None, header: str) -> Answer:
    state, cookie = shared or await begin(client)
    return await client.ask(get(f"/logged-in/{SERVICE}?state={state}&code=junk-{turn}", f"Cookie: {cookie}", header))


def resets(inside: Inside, port: int) -> Counter:
    """Sends requests and resets them, and comes back when the connection is closed."""
    seen: Counter = Counter()
    while not inside.is_over():
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            try:
                connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b""))
                for number in range(2_000):
                    stream = number * 2 + 1
                    connection.sendall(request(stream) + frame(3, 0, stream, struct.pack(">I", 8)))
                    seen["requests"] += 1
            except OSError:
                seen["closed"] += 1
        time.sleep(0.01)
    return seen


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def request(stream: int) -> bytes:
    """GET of the start page, in HPACK without Huffman codes (RFC 7541 section 6.2.2)."""
    path = b"/?type=" + SERVICE.encode()
    return frame(1, 5, stream, b"\x82\x86\x04" + bytes([len(path)]) + path)


def summary(attack: Attack, rounds: dict[str, list[dict]], seconds: int) -> dict:
    attacked = rounds["with"]
    waits = [one["right_password_s"] for one in attacked]
    return {**{side: paced.summary([one["victims"] for one in of]) for side, of in rounds.items()},
            "what": attack.what, "calls": max(one["calls"] for one in attacked),
            "most_calls": attack.most_calls(seconds + 5),
            "right_password_s": None if None in waits else max(waits),
            "attacker": attacked[-1]["attacker"].get("answers", {}), "rounds": rounds}


def check(bounds: Bounds, name: str, seen: dict) -> None:
    quiet, attacked = seen["without"], seen["with"]
    bounds.at_most(f"{name}: failed refreshes", attacked["failed"], 0)
    bounds.at_most(f"{name}: p99 of the refreshes, ms", attacked["p99_ms"],
                   quiet["p99_ms"] * MOST_P99_RATIO + P99_LEEWAY_MS)
    bounds.at_most(f"{name}: calls to the provider", seen["calls"], seen["most_calls"])
    if name == "passwords":
        waited = seen["right_password_s"]
        bounds.holds(f"{name}: the right one is not let in within {RIGHT_PASSWORD_WITHIN_S} s",
                     waited is not None and waited < RIGHT_PASSWORD_WITHIN_S)


def show(result: dict) -> list[str]:
    lines = []
    for name, seen in result["attacks"].items():
        lines += [head(f"strangers, {name}: {seen['what']}", "without", "attacked", "ratio"),
                  *compared(seen, ("p50_ms", "refreshes, p50, ms", "{:.2f}"),
                            ("p99_ms", "refreshes, p99, ms", "{:.2f}")),
                  failures("refreshes that failed", seen),
                  row("strangers' calls to the provider, at most", f"{seen['calls']:,}",
                      f"{seen['most_calls']:,.0f}")]
        if seen["right_password_s"] is not None:
            lines.append(row("the right password waits, s", f"{seen['right_password_s']:.1f}"))
        answers = ", ".join(f"{count:,} x {answer}" for answer, count in sorted(seen["attacker"].items()))
        lines += [f"the strangers get: {answers}", ""]
    return lines[:-1]
