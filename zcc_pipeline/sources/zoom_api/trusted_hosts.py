"""Who may see the token when a file is fetched, and what is never fetched at all."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urljoin, urlsplit

from zcc_pipeline.domain.errors import PermanentError


class TrustedHosts:
    """Who may see the token: the API's own origin, and https hosts named by the operator with all below them."""

    def __init__(self, api_url: str, hosts: tuple[str, ...]) -> None:
        self._api = urlsplit(api_url)
        self._hosts = [_split_host(host) for host in hosts if host.strip(". ")]
        self.allows_plain_http = self._api.scheme == "http" and is_loopback(self._api.hostname or "")

    def absolute(self, url: str) -> str:
        """The address itself, or the API's host with the relative path that Zoom's log gives."""
        return join_address(f"{self._api.scheme}://{self._api.netloc}/", url, "GET download")

    def is_api(self, parts: SplitResult) -> bool:
        """Whether it is the API's own origin."""
        host = (parts.hostname or "").lower()
        return (parts.scheme, host, _port(parts)) == (
            self._api.scheme,
            (self._api.hostname or "").lower(),
            _port(self._api),
        )

    def check(self, parts: SplitResult, what: str) -> None:
        """Refuse what is never fetched, token or not: other schemes, and plain http to anywhere but a
        loopback stand-in."""
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise PermanentError(f"{what}: not an http(s) address")
        if parts.scheme == "http" and not (self.allows_plain_http and is_loopback(parts.hostname)):
            raise PermanentError(f"{what}: not encrypted")

    def may_see_token(self, parts: SplitResult) -> bool:
        """Whether the token may be sent there."""
        host = (parts.hostname or "").rstrip(".").lower()
        if self.is_api(parts):
            return True
        if parts.scheme != "https" and not (self.allows_plain_http and is_loopback(host)):
            return False
        return any(
            (host == allowed or host.endswith("." + allowed)) and port in (None, _port(parts))
            for allowed, port in self._hosts
        )


def _split_host(entry: str) -> tuple[str, int | None]:
    host, colon, port = entry.strip().lower().removeprefix("*.").strip(".").rpartition(":")
    if colon and port.isascii() and port.isdigit():
        return host, int(port)
    return entry.strip().lower().removeprefix("*.").strip("."), None


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def is_loopback(host: str) -> bool:
    """Whether the name or address is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def split_address(url: str, what: str) -> SplitResult:
    """The address in parts; ``PermanentError`` where it is none."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise PermanentError(f"{what}: not an address") from None
    return parts


def join_address(base: str, url: str, what: str) -> str:
    """A relative address made absolute; ``PermanentError`` where that gives none."""
    try:
        return urljoin(base, url)
    except ValueError:
        raise PermanentError(f"{what}: not an address") from None
