"""What every program here shares: two tools, the names of the ways in, and the run of them all."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import json
import sys
from typing import Any

from faramesh import GovernedToolSet

PROBLEM = RuntimeError("the bank is closed")
ways: dict[str, Any] = {}
# A call of the framework is decided once under its id, so each try has an id of its own.
ids = itertools.count(1)


def pay(amount: int) -> str:
    if amount == 13:
        raise PROBLEM
    return f"refunded {amount}"


def refund(amount: int) -> str:
    """Give money back."""
    return pay(amount)


async def arefund(amount: int) -> str:
    """Give money back."""
    await asyncio.sleep(0)
    return pay(amount)


def governs(*tools: Any) -> GovernedToolSet:
    """Both tools under one name of the policy."""
    names = {"arefund": "refund"} if len(tools) > 1 else None
    return GovernedToolSet(tools, agent_id="support-bot", names=names)


async def last(stream: Any) -> str:
    return str([item async for item in stream][-1])


def run_all() -> None:
    """Every way with the amounts of the command line; one line for what each came to."""
    for name, way in ways.items():
        for amount in json.loads(sys.argv[1]):
            try:
                seen = way(amount)
                if inspect.isawaitable(seen):
                    seen = asyncio.run(awaited(seen))
                seen = str(seen)
            except BaseException as problem:
                seen = "the same" if problem is PROBLEM else f"{type(problem).__name__}: {problem}"
            print("seen:", json.dumps([name, amount, seen]), flush=True)


async def awaited(work: Any) -> Any:
    return await work
