"""Handlers of the stand-in's read operations, one module per kind of data."""
