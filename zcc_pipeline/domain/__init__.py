"""The nouns of the pipeline, without I/O: everything here can be built and compared in memory.

What lives here: errors by consequence, clock, windows and days, datasets, artefact kinds, statuses and reasons,
record chunks, transcript turns, and the protocols through which rooms meet.
What does not: anything that opens a file, a socket or a database.
"""
