"""Where the archive's bytes lie."""

from zcc_pipeline.archive.storage.folder import FolderPlace
from zcc_pipeline.archive.storage.place import UNKNOWN, Lock, Parcel, Place, Worm

__all__ = ["UNKNOWN", "FolderPlace", "Lock", "Parcel", "Place", "Worm"]
