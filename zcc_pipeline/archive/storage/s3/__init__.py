"""The archive in an S3 bucket, with Object Lock where the bucket has it."""

from zcc_pipeline.archive.storage.s3.client import Bucket, S3Access
from zcc_pipeline.archive.storage.s3.locks import LOCK_DAYS, LockMode, StillLocked
from zcc_pipeline.archive.storage.s3.place import S3Place
from zcc_pipeline.archive.storage.s3.uploads import Limits

__all__ = ["LOCK_DAYS", "Bucket", "Limits", "LockMode", "S3Access", "S3Place", "StillLocked"]
