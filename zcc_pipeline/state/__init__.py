"""What the pipeline remembers between runs, in SQLite or PostgreSQL: ledgers and the shared rate budget.

What lives here: the window ledger, the file ledger, per-engagement reads, absences, quarantine, frozen settings and
the rate budget, each implementing a protocol of ``domain.ports``. What does not: engagement data (the lake is the
truth) and any rule about what a row means (``reconciliation``).
"""

from zcc_pipeline.state.store import StateStore

__all__ = ["StateStore"]
