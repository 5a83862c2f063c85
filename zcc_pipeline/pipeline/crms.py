"""The CRMs by name: what the settings say of each, and its destination, ready to be entered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from zcc_pipeline.domain.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class CrmAccess:
    """One CRM of which at least one setting is there."""

    name: str
    values: Mapping[str, str] = field(repr=False)
    """By the setting's name without ``ZCC_<CRM>_``: ``url``, ``client_id`` …; holds secrets."""
    problem: ConfigurationError | None = None
    """What is missing, where it is not enough to work with."""

    def require(self) -> Mapping[str, str]:
        """The values, or the ``ConfigurationError`` that names what is missing."""
        if self.problem is not None:
            raise self.problem
        return self.values
