"""The certificates of a time stamp reply, put into the order that DER asks for.

They are a SET OF, which DER sorts; many authorities do not, OpenSSL does not mind, and ``rfc3161-client`` refuses the
whole reply. They are not part of what is signed, and putting them in order changes no length.
"""

from __future__ import annotations

from collections.abc import Iterator

_CERTIFICATES = 0xA0
_SEQUENCE, _CONTEXT_0 = 0x30, 0xA0
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")


def with_sorted_certificates(reply: bytes) -> bytes:
    """The same reply; as it is where it is sorted already, or is no such reply."""
    try:
        span = _certificates(reply)
    except (IndexError, ValueError):
        return reply
    if span is None:
        return reply
    start, end = span
    parts = [reply[first:last] for _, first, _, last in _elements(reply, start, end)]
    return reply[:start] + b"".join(sorted(parts)) + reply[end:]


def _certificates(reply: bytes) -> tuple[int, int] | None:
    """Where the certificates' contents are: TimeStampResp > ContentInfo > [0] > SignedData > [0]."""
    ((_, _, inside, end),) = _elements(reply, 0, len(reply))
    for tag, _, at, last in _elements(reply, inside, end):
        if tag == _SEQUENCE and reply[at : at + len(_SIGNED_DATA)] == _SIGNED_DATA:
            (content,) = [each for each in _elements(reply, at, last) if each[0] == _CONTEXT_0]
            ((_, _, signed, signed_end),) = _elements(reply, content[2], content[3])
            for kind, _, certificates, certificates_end in _elements(reply, signed, signed_end):
                if kind == _CERTIFICATES:
                    return certificates, certificates_end
    return None


def _elements(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Elements one after the other: tag, where it begins, where its contents begin, where it ends."""
    while at < end:
        tag, length, inside = data[at], data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(data[inside : inside + size], "big")
            inside += size
        last = inside + length
        if last > end:
            raise ValueError("cut off")
        yield tag, at, inside, last
        at = last
