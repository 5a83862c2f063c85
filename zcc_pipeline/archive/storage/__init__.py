"""Where the archive's bytes lie."""

from zcc_pipeline.archive.storage.folder import FolderPlace
from zcc_pipeline.archive.storage.place import Place, Worm

__all__ = ["FolderPlace", "Place", "Worm"]
