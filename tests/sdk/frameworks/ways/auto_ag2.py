from __future__ import annotations

import sys
from pathlib import Path

from ag2.tools import MCPStdioServerConfig, MCPToolkit
from shared_tools import run_all, ways
from of_ag2 import ask

SERVER = str(Path(__file__).with_name("mcp_server.py"))


def toolkit(name: str) -> MCPToolkit:
    made = MCPToolkit(MCPStdioServerConfig(command=sys.executable, args=[SERVER]))
    made.name = name
    return made


ways.clear()
ways["a tool of an MCP server"] = lambda amount: ask(toolkit("refund"), amount)
run_all()
