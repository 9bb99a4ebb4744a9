"""Opens and seals the JWE of an AuthID, and keys that are encrypted at rest, with
jwcrypto, a JOSE library of other authors.

    jose.py open JWK-FILE               compact JWE on stdin, plaintext on stdout
    jose.py seal JWK-FILE [--zip]       plaintext JSON on stdin, compact JWE on stdout
    jose.py unprotect JWK-FILE          passphrase on stdin, the JWK or the set on stdout
    jose.py protect JWK-FILE ALG ENC    passphrase on stdin, the encrypted JWK on stdout

The JWK file is all it knows of authseal. A JWE that doesn't open is exit status 1
and one line on stderr.
"""

import argparse
import json
import sys
from pathlib import Path

from jwcrypto import jwa
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


def unprotect(jwe_text: str, passphrase: str) -> str:
    # jwcrypto's own bound is 16,384.
    jwa.default_max_pbkdf2_iterations = 1_000_000
    jwe = JWE(algs=["PBES2-HS512+A256KW", "A256GCM"])
    jwe.deserialize(jwe_text.strip(), JWK.from_password(passphrase))
    return f"{jwe.jose_header['cty']} {jwe.payload.decode('utf-8')}"


def protect(jwk: str, passphrase: str, alg: str, enc: str) -> str:
    header = json.dumps({"alg": alg, "enc": enc, "cty": "jwk+json"})
    key = JWK.from_password(passphrase)
    return JWE(jwk.encode("utf-8"), header, algs=[alg, enc], recipient=key).serialize(compact=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in "open", "seal", "unprotect", "protect":
        command = commands.add_parser(name)
        command.add_argument("jwk_file", type=Path)
        if name == "seal":
            command.add_argument("--zip", action="store_true", help="compress (zip=DEF)")
        if name == "protect":
            command.add_argument("alg")
            command.add_argument("enc")
    arguments = parser.parse_args()

    try:
        file = arguments.jwk_file.read_text(encoding="utf-8")
        given = sys.stdin.read().strip()
        if arguments.command == "open":
            print(open_(JWK.from_json(file), given))
        elif arguments.command == "seal":
            print(seal(JWK.from_json(file), given, arguments.zip))
        elif arguments.command == "unprotect":
            print(unprotect(file, given))
        else:
            print(protect(file, given, arguments.alg, arguments.enc))
    except (JWException, ValueError, OSError) as error:
        sys.exit(f"jose.py: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
