"""The page on the marts says what the models say."""

from __future__ import annotations

from zcc_pipeline_tests.marts_page import BEGIN, PAGE, generated, key_of, marts


def test_the_page_is_the_one_that_the_models_make() -> None:
    """If a model has changed: ``python -m zcc_pipeline_tests.marts_page``."""
    _, begin, rest = PAGE.read_text().partition(BEGIN)
    assert begin + rest == generated()


def test_every_mart_has_a_key_that_its_tests_hold_it_to() -> None:
    assert [model["name"] for model in marts() if not key_of(model)] == []
