"""What both client scripts share: one order a line in, one line of JSON out."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import sys
from collections.abc import Callable
from typing import Any

import faramesh
from langchain_core.messages import AIMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode


def call(tool: Any, way: str, amount: int) -> str:
    """Call the LangChain tool the given way and return what it said."""
    arguments = {"amount": amount}
    tool_call = {"name": tool.name, "args": arguments, "id": "c-1", "type": "tool_call"}
    if way == "invoke":
        return str(tool.invoke(arguments))
    if way == "run":
        return str(tool.run(arguments))
    if way == "ainvoke":
        return str(asyncio.run(tool.ainvoke(arguments)))
    if way == "arun":
        return str(asyncio.run(tool.arun(arguments)))
    if way == "tool_call":
        return str(tool.invoke(tool_call).content)
    graph = StateGraph(MessagesState)
    graph.add_node("tools", ToolNode([tool], handle_tool_errors=False))
    graph.add_edge(START, "tools")
    graph.add_edge("tools", END)
    state = {"messages": [AIMessage("", tool_calls=[tool_call])]}
    if way == "agraph":
        return str(asyncio.run(graph.compile().ainvoke(state))["messages"][-1].content)
    return str(graph.compile().invoke(state)["messages"][-1].content)


def serve(tool_named: Callable[[str], Any]) -> None:
    """Answer orders until the input ends."""
    say({"version": importlib.metadata.version("faramesh-sdk"), "file": faramesh.__file__})
    for line in sys.stdin:
        order = json.loads(line)
        tool = tool_named(order.get("tool", ""))
        try:
            say({"ran": call(tool, order["way"], order["amount"])})
        except Exception as problem:
            fields = {k: v for k, v in vars(problem).items() if not k.startswith("__")}
            say({**fields, "raised": f"{type(problem).__name__}: {problem}"})


def say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)
