from google.adk.agents import LlmAgent
from google.adk.tools.mcp_tool import McpToolset

from warehouse import stock
from warehouse.scanner import ScanTool

root_agent = LlmAgent(
    name="warehouse",
    model="gemini-2.5-pro",
    instruction="Keep the shelves in order.",
    tools=[*stock.STOCK_TOOLS, ScanTool(), McpToolset(connection_params=None)],
)
