"""The text form, held against the reader of Prometheus' own client library."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from zcc_pipeline.transport.metrics import Registry


def test_prometheus_reads_what_was_counted() -> None:
    registry = Registry()
    requests = registry.counter("zcc_requests_total", "Requests.", ("intake", "result"))
    requests.add("webhook", "stored")
    requests.add("webhook", "stored", amount=4)
    requests.add("flow", 'odd "\\ \n value')
    skew = registry.gauge("zcc_skew_seconds", "Skew.")
    registry.gauge("zcc_free_bytes", "Space.", lambda: 123_456_789_012)
    registry.gauge("zcc_unknown", "Not known yet.", lambda: None)
    seconds = registry.histogram("zcc_seconds", "Time.", (0.01, 0.1, 1))
    for value in (0.001, 0.01, 0.05, 5):
        seconds.observe(value)
    skew.value = 0.25
    read = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(registry.render())
        for sample in family.samples
    }
    assert read == {
        ("zcc_requests_total", ("intake", "webhook"), ("result", "stored")): 5,
        ("zcc_requests_total", ("intake", "flow"), ("result", 'odd "\\ \n value')): 1,
        ("zcc_skew_seconds",): 0.25,
        ("zcc_free_bytes",): 123_456_789_012,
        ("zcc_seconds_bucket", ("le", "0.01")): 2,
        ("zcc_seconds_bucket", ("le", "0.1")): 3,
        ("zcc_seconds_bucket", ("le", "1")): 3,
        ("zcc_seconds_bucket", ("le", "+Inf")): 4,
        ("zcc_seconds_count",): 4,
        ("zcc_seconds_sum",): 5.061,
    }
