import random
from typing import List

from autogen_core import CancellationToken, MessageContext, RoutedAgent, message_handler
from autogen_core.models import ChatCompletionClient
from autogen_core.tool_agent import ToolAgent
from autogen_core.tools import FunctionTool, Tool
from typing_extensions import Annotated


async def get_stock_price(ticker: str, date: Annotated[str, "Date in YYYY/MM/DD"]) -> float:
    return random.uniform(10, 200)


async def _sell(ticker: str, shares: int, cancellation_token: CancellationToken) -> str:
    """Sell shares."""
    return "sold"


tools: List[Tool] = [
    FunctionTool(get_stock_price, description="Get the stock price."),
    FunctionTool(name="sell", func=_sell, description="Sell shares."),
]


class ToolUseAgent(RoutedAgent):
    def __init__(self, client: ChatCompletionClient, tool_schema) -> None:
        super().__init__("An agent with tools")
        self._client = client

    @message_handler
    async def handle_user_message(self, message: str, ctx: MessageContext) -> str:
        return message


async def register(runtime) -> None:
    await ToolAgent.register(runtime, "executor", lambda: ToolAgent("executor", tools))
