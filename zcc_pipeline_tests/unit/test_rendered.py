"""What is looked for on a page of Dagster's is found in its place, and only there."""

from __future__ import annotations

from zcc_pipeline_tests.rendered import (
    columns,
    graph_groups,
    links,
    materialized,
    metadata,
    page_of,
    partitions,
    switched_on,
    texts,
)

PAGE = page_of("""<!DOCTYPE html><html><head><meta charset="utf-8"><script>var core = 1 < 2;</script></head><body>
<a href="/lineage">archive</a><div data-tooltip="staging">staging</div><img src="x"><p>2026-01-03</p>
<svg><foreignObject x="1" class="group"><div><div data-tooltip="core">core</div><i>12 assets</i></div></foreignObject>
<foreignObject class="asset"><div>files</div></foreignObject></svg>
<table><thead><tr><td>Key</td><td>Timestamp</td><td>Value</td></tr></thead><tbody>
<tr><td><b>received</b></td><td>now</td><td><span>36</span></td></tr>
<tr><td>days</td><td>now</td><td>
<table><thead><tr><td>day</td></tr></thead><tbody><tr><td>one &lt; two</td></tr></tbody></table>
</td></tr></tbody></table>
<table><thead><tr><td>Column name</td><td>Type</td></tr></thead><tbody>
<tr><td>payload</td><td>string</td></tr></tbody></table>
<label>Materialized (3)</label><label>Missing (1587)</label>
<div title="2026-01-02"><span>2026-01-02</span></div><div title="a day">x</div>
<div><div><input type="checkbox"></div><a href="/locations/l/schedules/off">off</a><input type="checkbox"></div>
<div><div><input type="checkbox"></div><a href="/locations/l/sensors/on">on</a><p><input type="checkbox" checked=""></p>
</div></body></html>""")


def test_groups_are_nodes_of_the_graph_and_not_any_word() -> None:
    assert graph_groups(PAGE) == {"core"}


def test_metadata_and_columns_are_rows_of_their_tables() -> None:
    assert metadata(PAGE) == {"received", "received: 36", "days", "days: day one < two"}
    assert columns(PAGE) == {"payload"}


def test_partitions_are_days_with_a_title() -> None:
    assert partitions(PAGE) == {"2026-01-02"}
    assert materialized(PAGE) == 3


def test_texts_are_whole_and_scripts_are_none() -> None:
    assert {"archive", "12 assets", "one < two"} <= texts(PAGE)
    assert not [text for text in texts(PAGE) if "var" in text]


def test_a_switch_belongs_to_the_name_in_its_row() -> None:
    assert links(PAGE) >= {"/locations/l/schedules/off", "/locations/l/sensors/on"}
    assert switched_on(PAGE) == {"/locations/l/sensors/on"}
