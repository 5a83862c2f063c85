"""Small valid media: WAV from a handful of tones, and an MP4 container. Cheap enough to make for every request."""

from __future__ import annotations

import math
import struct
from functools import cache

SAMPLE_RATE = 8_000
_SEGMENT_SAMPLES = SAMPLE_RATE // 2
_TONES = (220, 262, 294, 330, 392, 440, 523, 587)
_VIDEO_BYTES = 12_000


@cache
def _segment(tone: int) -> bytes:
    """Half a second of a tone that swells and fades, 8-bit unsigned."""
    step = 2 * math.pi * tone / SAMPLE_RATE
    last = _SEGMENT_SAMPLES
    return bytes(128 + int(90 * math.sin(step * n) * math.sin(math.pi * n / last)) for n in range(last))


def wav(seed: int, comment: str) -> bytes:
    """Two to four seconds of audio; ``comment`` goes into the file's INFO list, so that no two files are equal."""
    segments = 4 + seed % 5
    data = b"".join(_segment(_TONES[(seed >> (3 * number)) % len(_TONES)]) for number in range(segments))
    text = comment.encode("ascii")
    text += b"\0" * (2 - len(text) % 2)
    info = b"INFOICMT" + struct.pack("<I", len(text)) + text
    body = b"".join(
        (
            b"WAVEfmt ",
            struct.pack("<IHHIIHH", 16, 1, 1, SAMPLE_RATE, SAMPLE_RATE, 1, 8),
            b"LIST",
            struct.pack("<I", len(info)),
            info,
            b"data",
            struct.pack("<I", len(data)),
            data,
        )
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def mp4(seed: int, comment: str, seconds: int) -> bytes:
    """An ISO media file of the right boxes (file type, movie header, media data); it carries no decodable track."""
    header = struct.pack(">IIIIIIH10x", 0, 0, 0, 1000, seconds * 1000, 0x0001_0000, 0x0100)
    header += struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000) + b"\0" * 24 + struct.pack(">I", 1)
    movie = _box(b"moov", _box(b"mvhd", header) + _box(b"udta", _box(b"name", comment.encode("ascii"))))
    pattern = seed.to_bytes(8, "big") * (_VIDEO_BYTES // 8 + seed % 1_000)
    return _box(b"ftyp", b"isom\0\0\2\0isomiso2mp41") + movie + _box(b"mdat", pattern)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content
