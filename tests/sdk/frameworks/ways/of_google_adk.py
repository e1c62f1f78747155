from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from shared_tools import arefund, governs, ids, last, pay, refund, run_all, ways
from faramesh import GovernedToolSet
from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.models import BaseLlm, LlmResponse
from google.adk.runners import InMemoryRunner
from google.adk.tools import FunctionTool
from google.genai import types


class ScriptedModel(BaseLlm):
    tool: str
    amount: int

    async def generate_content_async(self, llm_request: Any, stream: bool = False) -> Any:
        read = llm_request.contents[-1].parts[-1].function_response
        call = types.FunctionCall(
            id=f"call-{next(ids)}", name=self.tool, args={"amount": self.amount}
        )
        part = types.Part(text=str(read.response)) if read else types.Part(function_call=call)
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


async def run(tool: Any, amount: int, **options: Any) -> str:
    model = ScriptedModel(model="script", tool=tool.name, amount=amount)
    runner = InMemoryRunner(LlmAgent(name="support", model=model, tools=[tool]), app_name="support")
    session = await runner.session_service.create_session(app_name="support", user_id="ada")
    asked = types.Content(role="user", parts=[types.Part(text="Refund my mug.")])
    ids = {"user_id": "ada", "session_id": session.id}
    events = runner.run_async(**ids, new_message=asked, **options)
    return str([event.content async for event in events])


async def asteps(amount: int) -> AsyncIterator[str]:
    """Give money back, and say how far it is."""
    yield "begun"
    yield pay(amount)


tools = governs(FunctionTool(refund), FunctionTool(arefund))
(live,) = GovernedToolSet(
    [FunctionTool(asteps)], agent_id="support-bot", names={"asteps": "refund"}
)
sse = RunConfig(streaming_mode=StreamingMode.SSE)
ways["a function"] = lambda amount: run(tools.refund, amount)
ways["a coroutine"] = lambda amount: run(tools.arefund, amount)
ways["a run that streams"] = lambda amount: run(tools.arefund, amount, run_config=sse)
ways["a streaming function past the tool"] = lambda amount: last(live.func(amount))

if __name__ == "__main__":
    run_all()
