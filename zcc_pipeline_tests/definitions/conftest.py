"""Fixtures of the tests of definitions."""

from zcc_pipeline_tests.definitions.fake_pipeline import pipeline, today, whole
from zcc_pipeline_tests.postgres import postgres, postgres_url

__all__ = ["pipeline", "postgres", "postgres_url", "today", "whole"]
