"""The only room that speaks Dagster: assets, checks, schedules over the verbs of pipeline."""
