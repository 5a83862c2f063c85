"""Who sent a request, and how often they have been refused. A signature that is right is never refused for it."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from zcc_pipeline.sources.receiver.http import Request

_WINDOW_SECONDS = 60.0
_MOST_SOURCES = 10_000
_REST = "others"


class Sources:
    """Tells the address that a request came from. A header says so only where a trusted proxy wrote it."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        self._trusted = [ip_network(each, strict=False) for each in trusted_proxies]

    def of(self, request: Request) -> str:
        """The nearest address that is no trusted proxy."""
        source = _address(request.peer or "")
        if source is None:
            return "unknown"
        if self._is_trusted(source):
            hops = b",".join(request.values(b"x-forwarded-for")).decode("latin-1").split(",")
            for hop in reversed(hops):
                told = _address(hop.strip())
                if told is None:
                    break
                source = told
                if not self._is_trusted(source):
                    break
        return str(source)

    def _is_trusted(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._trusted)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


class Refusals:
    """Counts refusals per source and minute, in bounded memory."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._counts: dict[str, int] = {}
        self._began = float("-inf")

    def count(self, source: str, now: float) -> int:
        """Count one more; returns how many are left to this source, below zero once there are none."""
        if now - self._began >= _WINDOW_SECONDS:
            self._counts.clear()
            self._began = now
        key = _network_of(source)
        if key not in self._counts and len(self._counts) >= _MOST_SOURCES:
            key = _REST
        self._counts[key] = self._counts.get(key, 0) + 1
        return self._per_minute - self._counts[key]


def _network_of(source: str) -> str:
    """One IPv6 customer has a whole /64."""
    address = _address(source)
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else source
