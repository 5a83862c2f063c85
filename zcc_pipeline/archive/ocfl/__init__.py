"""OCFL 1.1: objects with versions, in plain folders that outlive this software."""

from zcc_pipeline.archive.ocfl.checking import ObjectProblem, check_object, check_root
from zcc_pipeline.archive.ocfl.drafts import Draft
from zcc_pipeline.archive.ocfl.inventory import Author, BadInventory, Inventory
from zcc_pipeline.archive.ocfl.store import Head, ObjectStore, Written

__all__ = [
    "Author",
    "BadInventory",
    "Draft",
    "Head",
    "Inventory",
    "ObjectProblem",
    "ObjectStore",
    "Written",
    "check_object",
    "check_root",
]
