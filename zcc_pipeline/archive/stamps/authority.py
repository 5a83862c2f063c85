"""Ask a time stamp authority over HTTP (RFC 3161, section 3.4)."""

from __future__ import annotations

from dataclasses import dataclass

from zcc_pipeline.archive.stamps.checking import BadStamp, Roots, check_stamp
from zcc_pipeline.domain.errors import ZccPipelineError

SETTING = "ZCC_ARCHIVE_TIMESTAMP_URL"
_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"
_LARGEST = 1 << 18
"""Bytes of a reply with a long chain of certificates are a few thousand."""


class StampRefused(ZccPipelineError):
    """No time stamp was to be had; says why. The archive goes on without."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Where time stamps come from."""

    url: str
    roots: Roots | None = None
    """Who may sign them; None: nobody looks."""
    timeout_seconds: float = 15.0

    def stamp(self, text: bytes) -> bytes:
        """The reply for that text, checked; ``StampRefused`` where there is none or it is not for this."""
        from rfc3161_client import TimestampRequestBuilder

        request = TimestampRequestBuilder().data(text).build()
        reply = self._ask(request.as_bytes())
        try:
            check_stamp(reply, text, self.roots, nonce=request.nonce)
        except BadStamp as error:
            raise StampRefused(f"the reply {error}") from None
        return reply

    def _ask(self, query: bytes) -> bytes:
        import httpx

        headers = {"Content-Type": _QUERY, "Accept": _REPLY, "User-Agent": "zcc-pipeline"}
        try:
            with (
                httpx.Client(timeout=self.timeout_seconds, trust_env=False, follow_redirects=False) as client,
                client.stream("POST", self.url, content=query, headers=headers) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    raise StampRefused(f"the authority answers with status {response.status_code}")
                kind = response.headers.get("content-type", "").partition(";")[0].strip()
                if kind.startswith("text/"):
                    raise StampRefused(f"the authority answers with {kind}, not with a time stamp")
                reply = b""
                for part in response.iter_bytes():
                    reply += part
                    if len(reply) > _LARGEST:
                        raise StampRefused("the authority's answer does not end")
                return reply
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise StampRefused(f"the authority cannot be asked ({type(error).__name__})") from None
