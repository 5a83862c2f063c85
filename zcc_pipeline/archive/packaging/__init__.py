"""A selection of engagements for somebody outside: a BagIt package that needs no software to be read or checked."""

from zcc_pipeline.archive.packaging.package import Packaged, Request, write_package
from zcc_pipeline.archive.packaging.selection import Chosen, Selection, select

__all__ = ["Chosen", "Packaged", "Request", "Selection", "select", "write_package"]
