"""HTTP set-up shared by Zoom and the CRMs: client, retry, back-off, redaction.

What lives here: opening a client that logs nothing it should not, retrying with an injected clock, giving up on a
service that stays away, reading ``Retry-After``, bodies that may be no JSON, answers of token endpoints, describing
addresses without personal data, the error for a refused request. What does not: any vendor's codes or addresses.
"""

from zcc_pipeline.transport.circuit_breaker import CircuitBreaker
from zcc_pipeline.transport.client import Client, Timeouts, network_error, open_client
from zcc_pipeline.transport.errors import MalformedAnswer, RequestRefused
from zcc_pipeline.transport.json_body import NO_JSON, json_or_none
from zcc_pipeline.transport.redaction import describe_url
from zcc_pipeline.transport.retry import RetryPolicy, retry
from zcc_pipeline.transport.retry_after import parse_retry_after

__all__ = [
    "NO_JSON",
    "CircuitBreaker",
    "Client",
    "MalformedAnswer",
    "RequestRefused",
    "RetryPolicy",
    "Timeouts",
    "describe_url",
    "json_or_none",
    "network_error",
    "open_client",
    "parse_retry_after",
    "retry",
]
