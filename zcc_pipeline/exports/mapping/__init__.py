"""``crm_mapping.yml``: what becomes of an engagement in each CRM. Read, checked, applied; no CRM is asked here."""

from zcc_pipeline.exports.mapping.applying import LeftOut, Unmapped, content_hash, map_activity, queue_rule
from zcc_pipeline.exports.mapping.model import CRMS, Coexistence, FieldRule, MappingFile, Section, Target
from zcc_pipeline.exports.mapping.reading import SETTING, CrmMapping, parse_mapping, read_mapping, shipped_text

__all__ = [
    "CRMS",
    "SETTING",
    "Coexistence",
    "CrmMapping",
    "FieldRule",
    "LeftOut",
    "MappingFile",
    "Section",
    "Target",
    "Unmapped",
    "content_hash",
    "map_activity",
    "parse_mapping",
    "queue_rule",
    "read_mapping",
    "shipped_text",
]
