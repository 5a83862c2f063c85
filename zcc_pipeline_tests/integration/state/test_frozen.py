"""Settings that must not change once data exists."""

from __future__ import annotations

import pytest

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.state import StateStore

pytestmark = pytest.mark.integration


def test_the_time_zone_is_fixed_at_first_use_and_another_one_is_refused_with_the_reason(state_url: str) -> None:
    with StateStore.open(state_url) as store:
        assert store.settings.timezone() is None
        store.settings.freeze_timezone("Europe/Berlin")
    with StateStore.open(state_url) as store:
        store.settings.freeze_timezone("Europe/Berlin")
        with pytest.raises(ConfigurationError, match=r"(?s)ZCC_TIMEZONE.*Asia/Tokyo.*Europe/Berlin.*overlap") as caught:
            store.settings.freeze_timezone("Asia/Tokyo")

    assert caught.value.setting == "ZCC_TIMEZONE"
