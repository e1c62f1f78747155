from __future__ import annotations

import json
from typing import Any

from agents import Agent, Model, ModelResponse, Runner, Usage, function_tool, set_tracing_disabled
from shared_tools import arefund, governs, ids, refund, run_all, ways
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
)

set_tracing_disabled(True)


class ScriptedModel(Model):
    def __init__(self, tool: str, amount: int) -> None:
        self.call = ResponseFunctionToolCall(
            call_id=f"call-{next(ids)}",
            name=tool,
            arguments=json.dumps({"amount": amount}),
            type="function_call",
        )

    def said(self, input: Any) -> Any:
        last = input[-1]
        if not isinstance(last, dict) or last.get("type") != "function_call_output":
            return self.call
        text = ResponseOutputText(text=last["output"], type="output_text", annotations=[])
        return ResponseOutputMessage(
            id="m-1", content=[text], role="assistant", status="completed", type="message"
        )

    async def get_response(
        self, system_instructions: Any, input: Any, *args: Any, **kw: Any
    ) -> Any:
        return ModelResponse(output=[self.said(input)], usage=Usage(), response_id=None)

    async def stream_response(
        self, system_instructions: Any, input: Any, *args: Any, **kw: Any
    ) -> Any:
        response = Response(
            id="r-1",
            created_at=0,
            model="script",
            object="response",
            output=[self.said(input)],
            tool_choice="auto",
            tools=[],
            parallel_tool_calls=False,
        )
        yield ResponseCompletedEvent(
            response=response, sequence_number=1, type="response.completed"
        )


def agent_of(tool: Any, amount: int) -> Any:
    return Agent(name="support", model=ScriptedModel(tool.name, amount), tools=[tool])


async def streamed(agent: Any) -> str:
    result = Runner.run_streamed(agent, "Refund my mug.")
    async for _ in result.stream_events():
        pass
    return str(result.final_output)


async def run(agent: Any) -> str:
    return str((await Runner.run(agent, "Refund my mug.")).final_output)


tools = governs(function_tool(refund), function_tool(arefund))
bare = governs(function_tool(refund, failure_error_function=None))
ways["run"] = lambda amount: run(agent_of(tools.arefund, amount))
ways["run_streamed"] = lambda amount: streamed(agent_of(tools.refund, amount))
ways["run without failure_error_function"] = lambda amount: run(agent_of(bare.refund, amount))

if __name__ == "__main__":
    run_all()
