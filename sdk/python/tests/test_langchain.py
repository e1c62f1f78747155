"""Governed LangChain tools keep everything but their freedom."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

pytest.importorskip("langgraph")

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import (
    BaseTool,
    InjectedToolArg,
    StructuredTool,
    Tool,
    ToolException,
    tool,
)
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState, ToolNode, ToolRuntime

from faramesh import GovernedToolSet, StubTransport, ToolDeniedException


class RefundArgs(BaseModel):
    amount: int = Field(description="whole dollars", gt=0)
    currency: str = "usd"


class Refund(BaseTool):
    name: str = "refund"
    description: str = "Give money back."
    args_schema: type[BaseModel] = RefundArgs
    metadata: dict[str, Any] | None = Field({"governed_name": "stripe/refund"})

    def _run(self, amount: int, currency: str = "usd", run_manager: Any = None) -> str:
        return f"{amount} {currency} {run_manager is not None}"


class Inferred(BaseTool):
    """No args_schema and no async code: LangChain reads both from `_run`."""

    name: str = "inferred"
    description: str = "d"

    def _run(self, text: str, config: RunnableConfig, run_manager: Any = None) -> str:
        return f"{text} {'tags' in config} {run_manager is not None}"


class Both(BaseTool):
    name: str = "both"
    description: str = "d"

    def _run(self, x: int) -> str:
        return f"sync {x}"

    async def _arun(self, x: int) -> str:
        return f"async {x}"


@tool
def decorated(
    amount: int,
    state: Annotated[Any, InjectedState] = None,
    secret: Annotated[str, InjectedToolArg] = "injected",
) -> str:
    """Decorated."""
    return f"{amount} {secret}"


@tool
async def adecorated(amount: int, config: RunnableConfig) -> str:
    """Async decorated."""
    return f"{amount} {'tags' in config}"


@tool
def with_runtime(amount: int, runtime: ToolRuntime) -> str:
    """Uses the runtime."""
    return f"{amount} {runtime.tool_call_id}"


single = Tool(name="single", func=lambda text: f"got {text}", description="d")
ORIGINALS: list[Any] = [Refund(), Inferred(), Both(), decorated, adecorated, single, with_runtime]


def govern(stub: StubTransport, **options: Any) -> GovernedToolSet:
    return GovernedToolSet(ORIGINALS, agent_id="bot", transport=stub, **options)


@pytest.mark.parametrize("index", range(len(ORIGINALS)))
def test_what_a_framework_sees_is_unchanged(index: int) -> None:
    before, after = ORIGINALS[index], govern(StubTransport())[index]
    assert isinstance(after, type(before))
    assert type(after).__name__ == type(before).__name__
    assert (after.name, after.description) == (before.name, before.description)
    assert after.args_schema is before.args_schema
    assert after.args == before.args
    schemas = [t.tool_call_schema.model_json_schema() for t in (before, after)]
    assert schemas[0] == schemas[1]
    assert after is not before


@pytest.mark.parametrize(
    ("name", "given", "result", "governed_name", "arguments"),
    [
        (
            "refund",
            {"amount": 80},
            "80 usd True",
            "stripe/refund",
            {"amount": 80, "currency": "usd"},
        ),
        ("inferred", {"text": "t"}, "t True True", "inferred", {"text": "t"}),
        ("inferred", "t", "t True True", "inferred", {"text": "t"}),
        ("decorated", {"amount": 1}, "1 injected", "decorated", {"amount": 1}),
        ("single", "hello", "got hello", "single", {"tool_input": "hello"}),
        (
            "decorated",
            {"amount": 1, "state": object(), "secret": "s"},
            "1 s",
            "decorated",
            {"amount": 1},
        ),
    ],
)
@pytest.mark.parametrize("is_async", [False, True])
def test_the_model_s_arguments_are_decided_once(
    name: str, given: Any, result: str, governed_name: str, arguments: Any, is_async: bool
) -> None:
    stub = StubTransport("permit")
    chosen = govern(stub)[name]
    got = asyncio.run(chosen.ainvoke(given)) if is_async else chosen.invoke(given)
    assert got == result
    assert [(c.tool, c.arguments) for c in stub.calls] == [(governed_name, arguments)]
    assert [o["status"] for o in stub.outcomes] == ["ok"]


def test_own_async_code_is_used() -> None:
    stub = StubTransport("permit")
    tools = govern(stub)
    assert tools.both.invoke({"x": 1}) == "sync 1"
    assert asyncio.run(tools.both.ainvoke({"x": 1})) == "async 1"
    assert asyncio.run(tools.adecorated.ainvoke({"amount": 2})) == "2 True"
    assert [c.arguments for c in stub.calls] == [{"x": 1}, {"x": 1}, {"amount": 2}]


@pytest.mark.parametrize("index", range(len(ORIGINALS) - 1))
def test_denied_every_way_in(index: int) -> None:
    stub = StubTransport()
    chosen = govern(stub)[index]
    given: Any = {"amount": 1, "x": 1, "text": "t"}
    if chosen.name == "single":
        given = "t"
    ways = [lambda: asyncio.run(chosen.ainvoke(given)), lambda: asyncio.run(chosen.arun(given))]
    if chosen.name != "adecorated":
        ways += [lambda: chosen.invoke(given), lambda: chosen.run(given)]
    if getattr(chosen, "func", None):
        ways.append(lambda: chosen.func(1))
    for way in ways:
        with pytest.raises(ToolDeniedException):
            way()
    assert len(stub.calls) == len(ways)
    assert stub.outcomes == []


def test_the_original_stays_free_and_untouched() -> None:
    stub = StubTransport()
    original = Refund()
    GovernedToolSet([original], transport=stub)
    assert original.invoke({"amount": 1}) == "1 usd True"
    assert stub.calls == []


def test_errors_that_langchain_handles_are_still_handled() -> None:
    def broken(x: int) -> str:
        raise ToolException("try another")

    stub = StubTransport("permit")
    kind = StructuredTool.from_function(broken, description="d", handle_tool_error=True)
    assert GovernedToolSet([kind], transport=stub)[0].invoke({"x": 1}) == "try another"
    assert stub.outcomes[0]["error"] == "ToolException"


def graph_of(tools: GovernedToolSet) -> Any:
    graph = StateGraph(MessagesState)
    graph.add_node("tools", ToolNode(tools))
    graph.add_edge(START, "tools")
    graph.add_edge("tools", END)
    return graph.compile()


def call_of(name: str, args: dict[str, Any]) -> dict[str, Any]:
    call = {"name": name, "args": args, "id": "call-7", "type": "tool_call"}
    return {"messages": [AIMessage("", tool_calls=[call])]}


@pytest.mark.parametrize(
    ("name", "content"),
    [("refund", "5 usd True"), ("decorated", "5 injected"), ("with_runtime", "5 call-7")],
)
@pytest.mark.parametrize("is_async", [False, True])
def test_in_a_langgraph_graph(name: str, content: str, is_async: bool) -> None:
    stub = StubTransport("permit")
    graph, state = graph_of(govern(stub)), call_of(name, {"amount": 5})
    out = asyncio.run(graph.ainvoke(state)) if is_async else graph.invoke(state)
    assert out["messages"][-1].content == content
    (call,) = stub.calls
    assert call.arguments["amount"] == 5
    assert set(call.arguments) <= {"amount", "currency"}


def test_a_denial_comes_out_of_the_graph_or_goes_to_the_model() -> None:
    for name in ("refund", "with_runtime"):
        graph = graph_of(govern(StubTransport().deny("*", "never")))
        with pytest.raises(ToolDeniedException, match="never"):
            graph.invoke(call_of(name, {"amount": 5}))
    tools = govern(StubTransport().deny("*", "never"), on_deny="return")
    out = graph_of(tools).invoke(call_of("refund", {"amount": 5}))
    assert "never" in out["messages"][-1].content


def test_langchain_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain_core.tools", None)
    stub = StubTransport("permit")
    assert GovernedToolSet([abs], transport=stub)["abs"](-1) == 1
    assert stub.calls[0].arguments == {"x": -1}


def test_the_config_says_whose_call_it_is() -> None:
    class Recorder(StubTransport):
        def request(self, method: str, params: Any, timeout: float | None = None) -> Any:
            asked.append(params)
            return super().request(method, params, timeout)

    asked: list[Any] = []
    config: RunnableConfig = {
        "configurable": {"thread_id": "t-1", "principal": {"id": "ada"}},
        "metadata": {"request_id": "r-9"},
        "tags": ["team:support", "night"],
    }
    graph_of(govern(Recorder("permit"))).invoke(call_of("refund", {"amount": 5}), config)
    (params,) = asked
    assert (params["session"], params["request_id"]) == ("t-1", "r-9")
    assert params["principal"] == {"id": "ada"}
    assert {"team": "support", "night": "true"}.items() <= params["tags"].items()


def test_a_call_id_that_langgraph_repeats_is_refused_once() -> None:
    stub = StubTransport().deny("*", "never")
    graph = graph_of(govern(stub))
    for _ in range(2):
        with pytest.raises(ToolDeniedException, match="never"):
            graph.invoke(call_of("refund", {"amount": 5}))
    assert len(stub.calls) == 1
