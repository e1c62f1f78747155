from __future__ import annotations

import json
from typing import Any

import httpx2 as httpx
from anthropic import Anthropic, AsyncAnthropic, beta_async_tool, beta_tool
from anthropic.lib.tools import BetaAsyncBuiltinFunctionTool, BetaBuiltinFunctionTool
from shared_tools import arefund, governs, ids, pay, refund, run_all, ways
from faramesh.frameworks.anthropic import atool_results, tool_results


def answer(tool: str, amount: int) -> Any:
    """Stands for the service: it asks for one refund, then repeats what it read."""

    def handle(request: httpx.Request) -> httpx.Response:
        last = json.loads(request.content)["messages"][-1]["content"]
        block: Any = {
            "type": "tool_use",
            "id": f"call-{next(ids)}",
            "name": tool,
            "input": {"amount": amount},
        }
        if isinstance(last, list) and last[0]["type"] == "tool_result":
            content = last[0]["content"]
            said = content if isinstance(content, str) else content[0]["text"]
            block = {"type": "text", "text": said}
        return httpx.Response(
            200,
            json={
                "id": "m-1",
                "type": "message",
                "role": "assistant",
                "model": "script",
                "content": [block],
                "stop_reason": "end_turn" if block["type"] == "text" else "tool_use",
                "stop_sequence": None,
                "usage": {"input_tokens": 1, "output_tokens": 1},
            },
        )

    return httpx.MockTransport(handle)


asked: Any = {
    "max_tokens": 9,
    "model": "script",
    "messages": [{"role": "user", "content": "Refund my mug."}],
}


def runner(tool: Any, amount: int) -> str:
    with httpx.Client(transport=answer(tool.name, amount)) as http:
        client = Anthropic(api_key="none", http_client=http)
        return str(client.beta.messages.tool_runner(tools=[tool], **asked).until_done().content)


async def arunner(tool: Any, amount: int) -> str:
    async with httpx.AsyncClient(transport=answer(tool.name, amount)) as http:
        client = AsyncAnthropic(api_key="none", http_client=http)
        run = client.beta.messages.tool_runner(tools=[tool], **asked)
        return str((await run.until_done()).content)


def message(name: str, amount: int) -> Any:
    return {
        "content": [
            {
                "type": "tool_use",
                "id": f"call-{next(ids)}",
                "name": name,
                "input": {"amount": amount},
            }
        ]
    }


class Refund(BetaBuiltinFunctionTool):
    """As the memory tool is, a tool that the model knows by its type."""

    def to_dict(self) -> Any:
        return {"type": "custom", "name": "refund", "input_schema": {"type": "object"}}

    def call(self, input: Any) -> str:
        return pay(input["amount"])


class AsyncRefund(BetaAsyncBuiltinFunctionTool):
    def to_dict(self) -> Any:
        return {"type": "custom", "name": "refund", "input_schema": {"type": "object"}}

    async def call(self, input: Any) -> str:
        return pay(input["amount"])


plain = governs(refund, arefund)
tools = governs(beta_tool(refund), beta_async_tool(arefund))
ways["tool_results"] = lambda amount: tool_results(message("refund", amount), plain)
ways["atool_results"] = lambda amount: atool_results(message("arefund", amount), plain)
ways["the tool runner"] = lambda amount: runner(tools.refund, amount)
ways["the async tool runner"] = lambda amount: arunner(tools.arefund, amount)
(own,) = governs(Refund())
(aown,) = governs(AsyncRefund())
ways["call of a tool known by its type"] = lambda amount: own.call({"amount": amount})
ways["the async call of one"] = lambda amount: aown.call({"amount": amount})
ways["call"] = lambda amount: tools.refund.call({"amount": amount})
ways["the function past the tool"] = lambda amount: tools.refund.func(amount=amount)

if __name__ == "__main__":
    run_all()
