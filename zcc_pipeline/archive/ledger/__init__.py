"""An append-only ledger in plain files: C2SP tiles, an RFC 6962 tree, signed checkpoints."""

from zcc_pipeline.archive.ledger.checking import LedgerProblem, check_ledger
from zcc_pipeline.archive.ledger.entry import Action, Entry, Logged
from zcc_pipeline.archive.ledger.keys import keep_or_make, signer_of
from zcc_pipeline.archive.ledger.ledger import Appended, Ledger, LedgerDamaged, LedgerMoved
from zcc_pipeline.archive.ledger.notes import BadNote, Checkpoint, Signer, Verifier
from zcc_pipeline.archive.ledger.shelf import FolderShelf, Shelf

__all__ = [
    "Action",
    "Appended",
    "BadNote",
    "Checkpoint",
    "Entry",
    "FolderShelf",
    "Ledger",
    "LedgerDamaged",
    "LedgerMoved",
    "LedgerProblem",
    "Logged",
    "Shelf",
    "Signer",
    "Verifier",
    "check_ledger",
    "keep_or_make",
    "signer_of",
]
