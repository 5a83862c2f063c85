"""The Merkle tree of RFC 6962, section 2.1: leaf and node hashes, and roots from subtrees."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()
"""Root of a tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of one entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two neighbours of the same height."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: its full subtrees, tallest first, each as ``(height, hash)``.

    At most one per height, so 64 hashes at most, however many leaves there are.
    """

    def __init__(self) -> None:
        self._subtrees: list[tuple[int, bytes]] = []

    def push(self, subtree: bytes, *, height: int = 0) -> None:
        """Add a full subtree of ``2**height`` leaves to the right; none that is less tall may stand there already."""
        while self._subtrees and self._subtrees[-1][0] == height:
            _, left = self._subtrees.pop()
            subtree, height = node_hash(left, subtree), height + 1
        self._subtrees.append((height, subtree))

    def root(self) -> bytes:
        """The tree head."""
        if not self._subtrees:
            return EMPTY_ROOT
        *rest, (_, root) = self._subtrees
        for _, left in reversed(rest):
            root = node_hash(left, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The tree head of these leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.push(leaf)
    return frontier.root()
