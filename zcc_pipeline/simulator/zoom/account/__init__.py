"""The account behind the stand-in: who is in it, what happened, and what each read would show at a moment. No HTTP."""

from zcc_pipeline.simulator.zoom.account.account import Account
from zcc_pipeline.simulator.zoom.account.spec import AccountSpec

__all__ = ["Account", "AccountSpec"]
