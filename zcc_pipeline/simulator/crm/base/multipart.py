"""Reads multipart bodies: form-data (uploads) and mixed (batches)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from zcc_pipeline.simulator.crm.base.answers import MalformedBodyError

_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE)
_PARAMETER = re.compile(r';\s*([a-z*]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One part; header names in lower case."""

    headers: dict[str, str]
    content: bytes

    @property
    def media_type(self) -> str:
        """Without parameters; ``text/plain`` where the part does not say."""
        return self.headers.get("content-type", "text/plain").partition(";")[0].strip().lower()

    @property
    def name(self) -> str:
        """The form field it fills; empty in a mixed body."""
        return self._parameter("name")

    @property
    def file_name(self) -> str:
        """The name that the sender gave the file; empty where it is none."""
        return self._parameter("filename")

    def _parameter(self, wanted: str) -> str:
        for name, quoted, bare in _PARAMETER.findall(self.headers.get("content-disposition", "")):
            if name.lower() == wanted:
                return re.sub(r"\\(.)", r"\1", quoted).replace("%22", '"') or str(bare)
        return ""


def parse_multipart(content_type: str, body: bytes) -> list[Part]:
    """The parts of a body, in order. ``MalformedBodyError`` where it has no boundary or does not end with one.

    Lines end in CRLF, as RFC 2046 asks; a body with bare line feeds is malformed, as it is to the vendors.
    """
    found = _BOUNDARY.search(content_type)
    if found is None or not content_type.lower().startswith("multipart/"):
        raise MalformedBodyError("the content type names no multipart boundary")
    delimiter = b"\r\n--" + (found[1] or found[2]).encode()
    pieces = (b"\r\n" + body).split(delimiter)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise MalformedBodyError("the multipart body does not end with its boundary")
    return [_read_part(piece) for piece in pieces[1:-1]]


def _read_part(piece: bytes) -> Part:
    _, _, rest = piece.partition(b"\r\n")
    if rest.startswith(b"\r\n"):
        return Part({}, rest[2:])
    head, separator, content = rest.partition(b"\r\n\r\n")
    if not separator:
        raise MalformedBodyError("a part has no empty line after its headers")
    headers = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return Part(headers, content)
