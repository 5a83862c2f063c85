"""The lake of record versions and the store of files.

What lives here: appending, reading and compacting Parquet files of record versions, and streaming downloads to files
with digests. What does not: where records come from, and what they mean.
"""

from zcc_pipeline.landing.batch import Batch
from zcc_pipeline.landing.compaction import CompactionResult
from zcc_pipeline.landing.files import FileStore
from zcc_pipeline.landing.lake import Lake
from zcc_pipeline.landing.layout import LakeFile
from zcc_pipeline.landing.schema import VERSION_SCHEMA
from zcc_pipeline.landing.storage import S3Options, Storage, open_storage
from zcc_pipeline.landing.writer import LakeWriter

__all__ = [
    "VERSION_SCHEMA",
    "Batch",
    "CompactionResult",
    "FileStore",
    "Lake",
    "LakeFile",
    "LakeWriter",
    "S3Options",
    "Storage",
    "open_storage",
]
