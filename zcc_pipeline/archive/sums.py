"""A list of digests beside a folder's files, as ``sha512sum`` writes and checks it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing

from zcc_pipeline.archive.ocfl.store import digest_of
from zcc_pipeline.archive.storage import Place

SUMS = "SHA512SUMS"
_LINE = re.compile(r"([0-9a-f]{128})  (.+)")


def sums_text(digests: Mapping[str, str]) -> str:
    """Lines for ``sha512sum --check``, of digests by path."""
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(digests.items()))


def write_sums(place: Place, folder: str) -> None:
    """List all files of a folder, once they are as they are to stay."""
    digests = {}
    for key in place.keys(folder):
        path = key.removeprefix(f"{folder}/")
        if path != SUMS:
            with closing(place.open(key)) as stream:
                digests[path] = digest_of(stream)
    place.replace(f"{folder}/{SUMS}", sums_text(digests).encode())


def read_sums(place: Place, folder: str) -> dict[str, str]:
    """Digests by path, as the list has them; nothing where there is no list."""
    listed = (place.read(f"{folder}/{SUMS}") or b"").decode(errors="replace")
    return {match[2]: match[1] for line in listed.splitlines() if (match := _LINE.fullmatch(line))}


def check_sums(place: Place, folder: str, advance: Callable[[int], None]) -> Iterator[tuple[str, str]]:
    """Files that are not as the list has them: key and what is wrong. Says nothing of a folder without files."""
    listed = place.read(f"{folder}/{SUMS}")
    if listed is None:
        if next(iter(place.keys(folder)), None) is not None:
            yield f"{folder}/{SUMS}", "is missing"
        return
    expected: dict[str, str] = {}
    for line in listed.decode(errors="replace").splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            yield f"{folder}/{SUMS}", "has a line that is no digest and path"
        else:
            expected[match[2]] = match[1]
    for key in place.keys(folder):
        path = key.removeprefix(f"{folder}/")
        if path == SUMS:
            continue
        wanted = expected.pop(path, None)
        if wanted is None:
            yield key, f"is not in {SUMS}"
            continue
        with closing(place.open(key)) as stream:
            if digest_of(stream, advance) != wanted:
                yield key, f"is not what it was when {SUMS} was written"
    for path in expected:
        yield f"{folder}/{path}", "is missing"
