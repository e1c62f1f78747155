"""Governed generators stay generators, ask when they are iterated and report when they end."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import pytest

from faramesh import GovernedToolSet, StubTransport, ToolDeniedException, governed


def test_a_generator_is_one() -> None:
    stub = StubTransport("permit")

    @governed(transport=stub)
    def words(count: int) -> Generator[str, str, str]:
        said = yield "first"
        for number in range(count):
            said = yield f"{said} {number}"
        return "the end"

    assert inspect.isgeneratorfunction(words)
    stream = words(1)
    assert stub.calls == []
    assert next(stream) == "first"
    assert stub.calls[0].arguments == {"count": 1}
    assert stub.outcomes == []
    assert stream.send("sent") == "sent 0"
    with pytest.raises(StopIteration) as end:
        next(stream)
    assert end.value.value == "the end"
    assert stub.outcomes[0]["status"] == "ok"


def test_an_async_generator_is_one() -> None:
    stub = StubTransport("permit")

    @governed(transport=stub)
    async def words() -> AsyncIterator[str]:
        yield "a"
        try:
            yield "b"
        except KeyError:
            yield "caught"
        raise ValueError("over")

    async def read() -> list[str]:
        stream: Any = words()
        out = [await anext(stream), await anext(stream), await stream.athrow(KeyError())]
        with pytest.raises(ValueError, match="over"):
            await anext(stream)
        return out

    assert inspect.isasyncgenfunction(words)
    assert asyncio.run(read()) == ["a", "b", "caught"]
    assert [(o["status"], o.get("error")) for o in stub.outcomes] == [("error", "ValueError")]


def test_a_stream_that_is_left_early_did_not_fail() -> None:
    stub = StubTransport("permit")
    closed: list[str] = []

    def numbers() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.append("sync")

    async def later() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.append("async")

    async def leave(stream: Any) -> None:
        assert await anext(stream) == 1
        await stream.aclose()

    tools = GovernedToolSet([numbers, later], transport=stub)
    stream = tools.numbers()
    assert next(stream) == 1
    stream.close()
    asyncio.run(leave(tools.later()))
    assert closed == ["sync", "async"]
    assert [outcome["status"] for outcome in stub.outcomes] == ["ok", "ok"]


def test_a_denied_generator_does_not_begin() -> None:
    def numbers() -> Iterator[int]:
        raise AssertionError("it ran")
        yield 1

    with pytest.raises(ToolDeniedException):
        next(GovernedToolSet([numbers], transport=StubTransport()).numbers())
    tools = GovernedToolSet([numbers], on_deny="return", transport=StubTransport())
    (said,) = tools.numbers()
    assert "numbers denied" in said
