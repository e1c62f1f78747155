from __future__ import annotations

from typing import Any

from shared_tools import arefund, governs, ids, refund, run_all, ways
from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage
from langchain_core.tools import tool


class ScriptedModel(FakeMessagesListChatModel):
    def bind_tools(self, tools: Any, **options: Any) -> Any:
        return self


def agent_of(made: Any, amount: int) -> Any:
    call = {"name": made.name, "args": {"amount": amount}, "id": f"call-{next(ids)}"}
    model = ScriptedModel(responses=[AIMessage("", tool_calls=[call]), AIMessage("done")])
    return create_agent(model, [made])


asked = {"messages": [("user", "Refund my mug.")]}


async def parts(agent: Any) -> str:
    return str([part async for part in agent.astream(asked, stream_mode="updates")])


tools = governs(tool(refund), tool(arefund))
ways["stream"] = lambda amount: list(agent_of(tools.refund, amount).stream(asked))
ways["ainvoke"] = lambda amount: agent_of(tools.arefund, amount).ainvoke(asked)
ways["astream"] = lambda amount: parts(agent_of(tools.arefund, amount))

if __name__ == "__main__":
    run_all()
