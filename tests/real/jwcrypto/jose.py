"""Opens and seals the JWE of an AuthID with jwcrypto, a JOSE library of other authors.

    jose.py open JWK-FILE          compact JWE on stdin, plaintext on stdout
    jose.py seal JWK-FILE [--zip]  plaintext JSON on stdin, compact JWE on stdout

The JWK file is all it knows of authseal. A JWE that doesn't open is exit status 1
and one line on stderr.
"""

import argparse
import json
import sys
from pathlib import Path

from jwcrypto.common import JWException
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

# What an AuthID may be, and nothing else that jwcrypto would also open.
ALGORITHMS = ["dir", "A256GCM"]


def open_(key: JWK, compact: str) -> str:
    jwe = JWE(algs=ALGORITHMS)
    jwe.deserialize(compact, key)
    named, held = jwe.jose_header.get("kid"), key.get("kid")
    if named != held:
        raise ValueError(f"the JWE names key {named!r}, the file holds {held!r}")
    plaintext = jwe.payload.decode("utf-8")
    json.loads(plaintext)
    return plaintext


def seal(key: JWK, plaintext: str, compress: bool) -> str:
    json.loads(plaintext)
    header = {"alg": "dir", "enc": "A256GCM", "kid": key.get("kid")}
    if compress:
        header["zip"] = "DEF"
    jwe = JWE(plaintext.encode("utf-8"), json.dumps(header), algs=ALGORITHMS, recipient=key)
    return jwe.serialize(compact=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in "open", "seal":
        command = commands.add_parser(name)
        command.add_argument("jwk_file", type=Path)
        if name == "seal":
            command.add_argument("--zip", action="store_true", help="compress (zip=DEF)")
    arguments = parser.parse_args()

    try:
        key = JWK.from_json(arguments.jwk_file.read_text(encoding="utf-8"))
        given = sys.stdin.read().strip()
        if arguments.command == "open":
            print(open_(key, given))
        else:
            print(seal(key, given, arguments.zip))
    except (JWException, ValueError, OSError) as error:
        sys.exit(f"jose.py: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
