"""Serves files of any size from a file on disk with sendfile, and a token: ``python benchmarks/file_server.py``.

``/v2/contact_center/recording/download/bench-<bytes>`` is a WAV of that many bytes. It shares no code with the package.
"""

from __future__ import annotations

import signal
import socket
import struct
import sys
import tempfile
import threading
from pathlib import Path

TOKEN = b'{"access_token":"t","token_type":"bearer","expires_in":3600,"scope":"","api_url":""}'


def _make_file(folder: Path, size: int) -> Path:
    path = folder / str(size)
    if not path.exists():
        block = bytes(range(256)) * 4096
        with path.open("wb") as handle:
            handle.write(
                b"RIFF"
                + struct.pack("<I", size - 8)
                + b"WAVEfmt "
                + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
            )
            handle.write(b"data" + struct.pack("<I", size - 44))
            while (rest := size - handle.tell()) > 0:
                handle.write(block[:rest])
    return path


def _answer(connection: socket.socket, folder: Path) -> None:
    with connection, connection.makefile("rb") as lines:
        while request := lines.readline():
            length = 0
            while (line := lines.readline()).strip():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            lines.read(length)
            target = request.split(b" ")[1]
            if target.endswith(b"/oauth/token") or b"oauth" in target:
                head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(TOKEN)
                connection.sendall(head + TOKEN)
                continue
            path = _make_file(folder, int(target.rpartition(b"-")[2]))
            head = b'HTTP/1.1 200 OK\r\ncontent-type: audio/wav\r\netag: "x"\r\ncontent-length: %d\r\n\r\n'
            connection.sendall(head % path.stat().st_size)
            with path.open("rb") as handle:
                connection.sendfile(handle)


def main() -> None:
    """Serve until told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the files go as well
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_answer, args=(connection, Path(folder)), daemon=True).start()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
