"""A file system in user space that shows the files of one folder, read-only.

`python3 hanging_files.py SOURCE TARGET` serves until it is unmounted. Stopped with SIGSTOP,
it hangs: whoever reads a file of it waits, as on a network mount whose server is gone.
"""

import ctypes
import errno
import os
import stat
import struct
import sys
from pathlib import Path

# Of include/uapi/linux/fuse.h.
LOOKUP, GETATTR, OPEN, READ, STATFS, RELEASE, INIT = 1, 3, 14, 15, 17, 18, 26
OPENDIR, READDIR, RELEASEDIR, FLUSH = 27, 28, 29, 25
UNANSWERED = {2, 36, 42}  # FORGET, INTERRUPT, BATCH_FORGET
IN_HEADER, OUT_HEADER = struct.Struct("<IIQQIIII"), struct.Struct("<IiQ")
ROOT, DIRECT_IO, NO_DEVICES = 1, 1, 1 | 2 | 4  # MS_RDONLY | MS_NOSUID | MS_NODEV


class HangingFiles:
    def __init__(self, source: Path):
        self.source, self.names = source, [""]  # the root has number 1

    def path(self, node: int) -> Path:
        return self.source / self.names[node - 1]

    def node(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name) + 1

    def attributes(self, node: int) -> bytes:
        found = self.path(node).stat()
        times = int(found.st_atime), int(found.st_mtime), int(found.st_ctime)
        return struct.pack("<QQQQQQIIIIIIIIII", node, found.st_size, 1, *times, 0, 0, 0,
                           found.st_mode, 1, found.st_uid, found.st_gid, 0, 4096, 0)

    def answer(self, operation: int, node: int, body: bytes) -> bytes:
        if operation == INIT:
            return struct.pack("<IIIIHHIIHH32x", 7, 31, 65536, 0, 4, 3, 4096, 1, 1, 0)
        if operation == LOOKUP:
            name = body.rstrip(b"\0").decode()
            if name.startswith(".") or not (self.source / name).is_file():
                raise FileNotFoundError(errno.ENOENT, name)
            found = self.node(name)
            # Valid for no time: the kernel asks again, so that every look hangs.
            return struct.pack("<QQQQII", found, 0, 0, 0, 0, 0) + self.attributes(found)
        if operation == GETATTR:
            return struct.pack("<QII", 0, 0, 0) + self.attributes(node)
        if operation in (OPEN, OPENDIR):
            return struct.pack("<QII", 0, DIRECT_IO, 0)
        if operation == READ:
            _, offset, size = struct.unpack_from("<QQI", body)
            return self.path(node).read_bytes()[offset:offset + size]
        if operation == READDIR:
            _, offset, _ = struct.unpack_from("<QQI", body)
            return b"" if offset else self.listing()
        if operation == STATFS:
            return bytes(80)
        if operation in (RELEASE, RELEASEDIR, FLUSH):
            return b""
        raise OSError(errno.ENOSYS, str(operation))

    def listing(self) -> bytes:
        listing = b""
        for at, name in enumerate(sorted(os.listdir(self.source)), start=1):
            entry = struct.pack("<QQII", self.node(name), at, len(name), stat.S_IFREG >> 12)
            entry += name.encode()
            listing += entry + bytes(-len(entry) % 8)
        return listing


def mount(target: Path) -> int:
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()},allow_other"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"hanging", bytes(target), b"fuse", NO_DEVICES, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), f"no FUSE: {os.strerror(ctypes.get_errno())}")
    return device


def serve(device: int, files: HangingFiles) -> None:
    while True:
        try:
            request = os.read(device, 128 * 1024)
        except OSError as error:
            if error.errno == errno.ENODEV:
                return  # unmounted
            continue
        _, operation, unique, node, *_ = IN_HEADER.unpack_from(request)
        if operation in UNANSWERED:
            continue
        error, body = 0, b""
        try:
            body = files.answer(operation, node, request[IN_HEADER.size:])
        except OSError as refused:
            error = -(refused.errno or errno.EIO)
        try:
            os.write(device, OUT_HEADER.pack(OUT_HEADER.size + len(body), error, unique) + body)
        except OSError:
            pass  # whoever asked is gone


if __name__ == "__main__":
    opened = mount(Path(sys.argv[2]))
    print("mounted", flush=True)
    serve(opened, HangingFiles(Path(sys.argv[1])))
