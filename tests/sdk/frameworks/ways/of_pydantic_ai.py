from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from shared_tools import arefund, governs, ids, refund, run_all, ways
from faramesh import GovernedToolSet
from pydantic_ai import Agent, FunctionToolset, Tool
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import DeltaToolCall, FunctionModel


def agent_of(name: str, amount: int, **given: Any) -> Any:
    def script(messages: list[Any], info: Any) -> ModelResponse:
        last = messages[-1].parts[-1]
        if last.part_kind == "tool-return":
            return ModelResponse(parts=[TextPart(str(last.content))])
        return ModelResponse(
            parts=[ToolCallPart(name, {"amount": amount}, tool_call_id=f"call-{next(ids)}")]
        )

    async def streamed(messages: list[Any], info: Any) -> AsyncIterator[Any]:
        (part,) = script(messages, info).parts
        if isinstance(part, TextPart):
            yield part.content
        else:
            yield {
                0: DeltaToolCall(
                    name, json.dumps({"amount": amount}), tool_call_id=f"call-{next(ids)}"
                )
            }

    return Agent(FunctionModel(script, stream_function=streamed), **given)


async def run(agent: Any) -> str:
    return str((await agent.run("Refund my mug.")).output)


async def run_stream(agent: Any) -> str:
    async with agent.run_stream("Refund my mug.") as result:
        return str(await result.get_output())


tools = governs(Tool(refund), Tool(arefund))
toolset = GovernedToolSet([FunctionToolset([refund])], agent_id="support-bot")
ways["run"] = lambda amount: run(agent_of("arefund", amount, tools=tools))
ways["run_stream"] = lambda amount: run_stream(agent_of("refund", amount, tools=tools))
ways["a toolset"] = lambda amount: run(agent_of("refund", amount, toolsets=toolset))

if __name__ == "__main__":
    run_all()
