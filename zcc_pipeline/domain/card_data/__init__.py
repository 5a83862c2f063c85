"""Payment card data in text: where it stands, and the same text without it. Pure functions, no I/O.

A card number is 13 to 19 digits with a network's prefix, that network's length and a right check digit, however it is
written or spoken; a security code is 3 or 4 digits near words that ask for one. What is found is told as rule and
place, never as digits.
"""

from zcc_pipeline.domain.card_data.candidates import candidate_rows
from zcc_pipeline.domain.card_data.cues import Cue, CueFinding, Span, redact_cues, scan_cues
from zcc_pipeline.domain.card_data.documents import DocumentFinding, redact_document, scan_document
from zcc_pipeline.domain.card_data.files import redact_any, redact_file
from zcc_pipeline.domain.card_data.findings import REMOVED, Match, Rule
from zcc_pipeline.domain.card_data.scanner import redact_text, scan_text

__all__ = [
    "REMOVED",
    "Cue",
    "CueFinding",
    "DocumentFinding",
    "Match",
    "Rule",
    "Span",
    "candidate_rows",
    "redact_any",
    "redact_cues",
    "redact_document",
    "redact_file",
    "redact_text",
    "scan_cues",
    "scan_document",
    "scan_text",
]
