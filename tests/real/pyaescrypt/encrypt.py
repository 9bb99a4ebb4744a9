"""Encrypts standard input to standard output, in the AES Crypt format: pyAesCrypt
knows format 2. The passphrase is the argument."""

import io
import sys

import pyAesCrypt

plain = io.BytesIO(sys.stdin.buffer.read())
pyAesCrypt.encryptStream(plain, sys.stdout.buffer, sys.argv[1])
