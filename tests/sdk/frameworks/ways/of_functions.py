from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Iterator
from typing import Any

from shared_tools import arefund, last, pay, refund, run_all, ways
from faramesh import governed


class Bank:
    def refund(self, amount: int) -> str:
        return pay(amount)

    def __call__(self, amount: int) -> str:
        return pay(amount)


class AsyncBank:
    async def __call__(self, amount: int) -> str:
        return await arefund(amount)


def steps(amount: int) -> Iterator[str]:
    yield "begun"
    yield pay(amount)


async def asteps(amount: int) -> AsyncIterator[str]:
    yield "begun"
    yield pay(amount)


def one(tool: Any, **options: Any) -> Any:
    return governed("refund", agent_id="support-bot", **options)(tool)


class Desk:
    @governed("refund", agent_id="support-bot")
    def refund(self, amount: int) -> str:
        return pay(amount)


ways["a function"] = one(refund)
ways["a coroutine"] = one(arefund)
ways["a generator"] = lambda amount: list(one(steps)(amount))[-1]
ways["an async generator"] = lambda amount: last(one(asteps)(amount))
ways["a bound method"] = one(Bank().refund)
ways["a decorated method"] = Desk().refund
ways["a callable object"] = one(Bank())
ways["an async callable object"] = one(AsyncBank())
ways["a partial"] = one(functools.partial(refund))
ways["a lambda that awaits"] = one(lambda amount: arefund(amount))
ways["a thread"] = lambda amount: asyncio.to_thread(one(refund), amount)

if __name__ == "__main__":
    run_all()
