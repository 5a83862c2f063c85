"""Time stamps (RFC 3161): somebody else's word for when a checkpoint was there. Optional, and never in the way."""

from zcc_pipeline.archive.stamps.authority import Authority, StampRefused
from zcc_pipeline.archive.stamps.checking import BadStamp, Roots, check_stamp, read_roots
from zcc_pipeline.archive.stamps.keeping import Stamped, check_stamps, stamp_name, stamp_newest

__all__ = [
    "Authority",
    "BadStamp",
    "Roots",
    "StampRefused",
    "Stamped",
    "check_stamp",
    "check_stamps",
    "read_roots",
    "stamp_name",
    "stamp_newest",
]
