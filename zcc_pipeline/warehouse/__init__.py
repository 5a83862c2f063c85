"""Runs dbt, publishes the analysts' copy, reads marts."""
