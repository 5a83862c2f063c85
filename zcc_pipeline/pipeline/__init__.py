"""The verbs, without Dagster: the only place where rooms meet."""
