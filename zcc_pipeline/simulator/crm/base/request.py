"""One request, as handlers read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from zcc_pipeline.simulator.crm.base.answers import MalformedBodyError
from zcc_pipeline.simulator.crm.base.multipart import Part, parse_multipart

if TYPE_CHECKING:
    from zcc_pipeline.simulator.crm.base.tokens import IssuedToken

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True)
class Request:
    """One request. ``path`` is as it was sent, percent-encoded; ``values`` of the route's placeholders are decoded."""

    method: str
    path: str
    query_string: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By names in lower case."""
    body: bytes = b""
    values: Mapping[str, str] = field(default_factory=dict)
    token: IssuedToken | None = None

    def header(self, name: str) -> str:
        """A header, empty where absent."""
        return self.headers.get(name.lower(), "")

    @property
    def media_type(self) -> str:
        """Content type without its parameters, in lower case."""
        return self.header("content-type").partition(";")[0].strip().lower()

    @cached_property
    def query_pairs(self) -> list[tuple[str, str]]:
        """Query names and values in the order of the request, a ``+`` read as a space."""
        return parse_qsl(self.query_string, keep_blank_values=True)

    @cached_property
    def query(self) -> dict[str, str]:
        """The query; the last of several values of a name."""
        return dict(self.query_pairs)

    @cached_property
    def content(self) -> Any:  # noqa: ANN401 JSON
        """The body as JSON; ``MalformedBodyError`` where it is none."""
        try:
            return _decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise MalformedBodyError(f"the body is not JSON: {error}") from None

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; ``MalformedBodyError`` where it is another thing."""
        content = self.content
        if not isinstance(content, dict):
            raise MalformedBodyError("the body is not a JSON object")
        return content

    def form(self) -> dict[str, str]:
        """The body as a URL-encoded form."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def multipart(self) -> list[Part]:
        """The parts of a multipart body."""
        return parse_multipart(self.header("content-type"), self.body)

    def inner(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes) -> Request:
        """A request that came inside this one (a batch), under this one's token. ``url`` is a path with its query."""
        path, _, query_string = url.partition("?")
        lowered = {name.lower(): value for name, value in headers.items()}
        return Request(method.upper(), path, query_string, lowered, body, token=self.token)

    def with_(self, *, values: Mapping[str, str] | None = None, token: IssuedToken | None = None) -> Request:
        """The same request, knowing more."""
        return replace(
            self, values=self.values if values is None else values, token=self.token if token is None else token
        )
