"""Expectation rules, settling and deletion: pure functions over what they are handed."""
