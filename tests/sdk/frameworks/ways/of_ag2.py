from __future__ import annotations

import json
from typing import Any

from ag2 import Agent, tool
from ag2.config import LLMClient
from ag2.events import ModelMessage, ModelResponse, ToolCallEvent, ToolCallsEvent, ToolResultsEvent
from ag2.testing import TestConfig
from shared_tools import arefund, governs, ids, refund, run_all, ways


class Script(TestConfig):
    def __init__(self, tool: str, amount: int) -> None:
        self.tool, self.amount = tool, amount

    def create(self) -> LLMClient:
        return ScriptedModel(self.tool, self.amount)


class ScriptedModel(LLMClient):
    def __init__(self, tool: str, amount: int) -> None:
        self.tool, self.amount = tool, amount

    async def __call__(self, messages: Any, context: Any, **options: Any) -> ModelResponse:
        if isinstance(messages[-1], ToolResultsEvent):
            message = ModelMessage(str(messages[-1].results[0].result.parts[0].content))
            await context.send(message)
            return ModelResponse(message)
        arguments = json.dumps({"amount": self.amount})
        call = ToolCallEvent(self.tool, id=f"call-{next(ids)}", arguments=arguments)
        return ModelResponse(tool_calls=ToolCallsEvent([call]))


async def ask(governed_tool: Any, amount: int) -> str:
    agent = Agent("support", config=Script(governed_tool.name, amount), tools=[governed_tool])
    return str((await agent.ask("Refund my mug.")).body)


tools = governs(tool(refund), tool(arefund))
ways["a function"] = lambda amount: ask(tools.refund, amount)
ways["a coroutine"] = lambda amount: ask(tools.arefund, amount)

if __name__ == "__main__":
    run_all()
