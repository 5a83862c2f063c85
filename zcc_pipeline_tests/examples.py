"""How many examples property tests try: a share in the daily suite, all of them where the slow tests run as well.

A property test without a number of its own tries 30 or 100; others say ``max_examples=of_all(120)``.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

_SLOW_MACHINE = [HealthCheck.too_slow]
settings.register_profile(
    "some", max_examples=30, derandomize=True, deadline=None, suppress_health_check=_SLOW_MACHINE
)  # the same ones each time: new ones are looked for by ``all``
settings.register_profile("all", max_examples=100, deadline=None, suppress_health_check=_SLOW_MACHINE)


def of_all(count: int) -> int:
    """The part of ``count`` examples that the profile in use tries."""
    profile = settings.get_profile(settings.get_current_profile_name())
    return max(1, count * profile.max_examples // 100)
