"""Dagster on top of the verbs: the only room that speaks Dagster.

What lives here: assets, partitions, checks, jobs, schedules, one sensor, and the Dagster home. An asset body is one
call into ``pipeline`` plus metadata. What does not: any reading from Zoom, any SQL, any decision about completeness.
"""
