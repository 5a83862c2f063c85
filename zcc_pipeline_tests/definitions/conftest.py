"""Fixtures of the tests of definitions."""

from zcc_pipeline_tests.definitions.fake_pipeline import pipeline, today, whole

__all__ = ["pipeline", "today", "whole"]
