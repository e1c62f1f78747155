#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["fastmcp"]
# ///
from fastmcp import FastMCP

mcp = FastMCP("Calculator")


@mcp.tool
def add(a: float, b: float) -> float:
    "Add two numbers"
    return a + b


mcp.run()
