from __future__ import annotations

from shared_tools import run_all, ways
from of_anthropic import AsyncRefund, Refund, arunner, runner

ways.clear()
ways["the tool runner"] = lambda amount: runner(Refund(), amount)
ways["the async tool runner"] = lambda amount: arunner(AsyncRefund(), amount)
run_all()
