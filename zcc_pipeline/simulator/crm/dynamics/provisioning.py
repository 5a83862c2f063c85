"""What an administrator has made before the first export: publisher, solution, engagement table, column and keys."""

from __future__ import annotations

from typing import Any

from zcc_pipeline.simulator.crm.dynamics.metadata import Metadata
from zcc_pipeline.simulator.crm.dynamics.rows import Rows
from zcc_pipeline.simulator.crm.dynamics.standard_tables import ENGAGEMENT, ENGAGEMENT_KEY
from zcc_pipeline.simulator.crm.dynamics.values import Values

_TEXTS = {
    "zcc_ZoomEngagementId": 100,
    "zcc_Channel": 100,
    "zcc_Direction": 50,
    "zcc_Queue": 200,
    "zcc_Flow": 200,
    "zcc_AgentName": 200,
    "zcc_AgentEmail": 320,
    "zcc_CustomerName": 200,
    "zcc_CustomerEmail": 320,
    "zcc_CustomerPhone": 50,
    "zcc_Dispositions": 2_000,
    "zcc_RecordingLinks": 4_000,
    "zcc_VoicemailLinks": 4_000,
    "zcc_Completeness": 50,
}
_LONG_TEXTS = {"zcc_Summary": 10_000, "zcc_Body": 1_048_576, "zcc_Notes": 1_048_576, "zcc_Transcript": 1_048_576}
_SECONDS = ("zcc_DurationSeconds", "zcc_WaitingSeconds", "zcc_TalkSeconds", "zcc_HandleSeconds")
_DATES = ("zcc_StartedAt", "zcc_EndedAt")
_FLAGS = ("zcc_IsAnswered", "zcc_IsAbandoned", "zcc_IsDeletedAtSource")


def provision(metadata: Metadata, rows: Rows) -> None:
    """Make all of it."""
    publisher = {"uniquename": "zccpipeline", "friendlyname": "zcc-pipeline", "customizationprefix": "zcc"}
    rows.create(rows.tables["publisher"], Values({**publisher, "customizationoptionvalueprefix": 72_100}))
    table = metadata.add_table(
        {
            "SchemaName": "zcc_Engagement",
            "HasNotes": True,
            "Attributes": [_column("String", "zcc_Name", MaxLength=300, IsPrimaryName=True), *_columns()],
        }
    )
    metadata.add_relationship(
        {"ReferencedEntity": "contact", "ReferencingEntity": ENGAGEMENT, "Lookup": {"SchemaName": "zcc_ContactId"}}
    )
    key = {"SchemaName": "zcc_ZoomEngagementKey", "KeyAttributes": [ENGAGEMENT_KEY]}
    metadata.add_key(table, key)
    calls = metadata.tables["phonecall"]
    metadata.add_column(calls, _column("String", "zcc_ZoomEngagementId", MaxLength=100))
    metadata.add_column(calls, _column("Boolean", "zcc_IsDeletedAtSource"))


def _columns() -> list[dict[str, Any]]:
    return [
        *(_column("String", name, MaxLength=length) for name, length in _TEXTS.items()),
        *(_column("Memo", name, MaxLength=length) for name, length in _LONG_TEXTS.items()),
        *(_column("Integer", name, MinValue=0, MaxValue=2_147_483_647) for name in _SECONDS),
        *(_column("DateTime", name) for name in _DATES),
        *(_column("Boolean", name) for name in _FLAGS),
        _column("Decimal", "zcc_SurveyScore", MinValue=-100_000, MaxValue=100_000),
    ]


def _column(kind: str, schema: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 JSON
    return {"@odata.type": f"Microsoft.Dynamics.CRM.{kind}AttributeMetadata", "SchemaName": schema, **more}
