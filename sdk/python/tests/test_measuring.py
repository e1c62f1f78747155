"""What an outcome says that a run used and cost."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from faramesh import GovernedToolSet, StubTransport, governed


def told(result: Any, **options: Any) -> dict[str, Any]:
    def tool() -> Any:
        return result

    stub = StubTransport().permit()
    assert GovernedToolSet([tool], transport=stub, **options)[0]() is result
    (outcome,) = stub.outcomes
    return {key: outcome[key] for key in ("cost", "usage") if key in outcome}


@pytest.mark.parametrize(
    ("result", "size"),
    [("plain", 5), ("größer", 8), ("\ud800", 3), ("", 0), (b"12", 2), (bytearray(3), 3)],
)
def test_texts_and_bytes_are_measured(result: Any, size: int) -> None:
    assert told(result) == {"usage": {"output_bytes": size}}


def test_nothing_else_is_measured_by_itself() -> None:
    assert told({"a": "text"}) == {}
    assert told(None) == {}


def test_the_developer_says_what_a_result_cost() -> None:
    usage = {"model": "m", "input_tokens": 10, "output_tokens": 2}
    assert told({"text": "x"}, measure=lambda _: {"usage": usage}) == {"usage": usage}
    assert told("ab", measure=lambda _: {"cost": 0.25}) == {"cost": 0.25, "usage": {"output_bytes": 2}}
    assert told("ab", measure=lambda _: None) == {"usage": {"output_bytes": 2}}


def test_a_measure_that_fails_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def measure(_: Any) -> Any:
        raise ValueError("a secret of the result")

    with caplog.at_level(logging.WARNING):
        assert told({"a": 1}, measure=measure) == {}
    assert "ValueError" in caplog.text and "secret" not in caplog.text


async def _answer() -> str:
    return "four"


def test_async_tools_and_the_decorator() -> None:
    import asyncio

    stub = StubTransport().permit()
    tool = governed("answer", transport=stub, measure=lambda result: {"cost": len(result)})(_answer)
    assert asyncio.run(tool()) == "four"
    assert stub.outcomes[0]["cost"] == 4 and stub.outcomes[0]["usage"] == {"output_bytes": 4}


def test_a_run_that_failed_has_no_result() -> None:
    def tool() -> str:
        raise RuntimeError("closed")

    stub = StubTransport().permit()
    with pytest.raises(RuntimeError):
        GovernedToolSet([tool], transport=stub, measure=lambda _: {"cost": 1})[0]()
    assert "cost" not in stub.outcomes[0] and "usage" not in stub.outcomes[0]
