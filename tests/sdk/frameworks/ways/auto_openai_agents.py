from __future__ import annotations

import sys
from pathlib import Path

from agents import Agent
from agents.mcp import MCPServerStdio
from shared_tools import run_all, ways
from of_openai_agents import ScriptedModel, run

SERVER = str(Path(__file__).with_name("mcp_server.py"))


async def over_mcp(amount: int) -> str:
    async with MCPServerStdio({"command": sys.executable, "args": [SERVER]}) as server:
        model = ScriptedModel("refund", amount)
        return await run(Agent(name="support", model=model, mcp_servers=[server]))


ways.clear()
ways["a tool of an MCP server"] = over_mcp
run_all()
