"""Is the archive what it was? Objects, ledger, completeness, index and second copy; what is wrong is named."""

from zcc_pipeline.archive.verification.findings import Area, Counts, Finding
from zcc_pipeline.archive.verification.notebook import Notebook
from zcc_pipeline.archive.verification.pace import Pace
from zcc_pipeline.archive.verification.verification import Subject, Verification

__all__ = ["Area", "Counts", "Finding", "Notebook", "Pace", "Subject", "Verification"]
