"""The compliance archive: what it holds, a ledger that shows what is missing or altered, and what may be erased."""
