"""A second copy of the archive: full bytes of everything, brought up to date by what the ledger says has changed."""

from zcc_pipeline.archive.copying.copying import Copied, CopyRefused, bring_up_to_date, shared_disk

__all__ = ["Copied", "CopyRefused", "bring_up_to_date", "shared_disk"]
