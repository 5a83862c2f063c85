"""Ledgers in SQLite or PostgreSQL, implementing the protocols of domain.ports."""
