"""What may be printed of an address."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.transport import describe_url

WORDS = frozenset({"v2", "download", "recording"})
SECRETS = st.text(st.characters(categories=["L", "N", "P"]), min_size=6, max_size=30).filter(
    lambda text: not text.startswith("[") and text not in WORDS
)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://api.zoom.us/v2/recording/download/4Q0IL?type=voice#x", "https://api.zoom.us/v2/recording/download/…"),
        ("https://user:pass@host:8443/v2/jill@example.com/", "https://host:8443/v2/…/"),
        ("/v2/recording/abc", "/v2/recording/…"),
        ("https://[::1]:80/v2", "https://[::1]:80/v2"),
        ("https://[", "…"),
        ("", "…"),
        ("mailto:jill@example.com", "…"),
    ],
)
def test_known_words_stay_and_all_else_is_hidden(url: str, shown: str) -> None:
    assert describe_url(url, words=WORDS) == shown


@given(secret=SECRETS)
def test_no_id_query_user_or_fragment_survives(secret: str) -> None:
    escaped = quote(secret, safe="")
    for shown in (
        describe_url(f"https://zoom.example/v2/{escaped}/download", words=WORDS),
        describe_url(f"https://zoom.example/v2?access_token={escaped}", words=WORDS),
        describe_url(f"https://{escaped}:{escaped}@zoom.example/v2#{escaped}", words=WORDS),
        describe_url(f"/v2/{secret.replace('/', '')}", words=WORDS),
    ):
        assert escaped not in shown
        assert secret not in shown
        assert "v2" in shown
