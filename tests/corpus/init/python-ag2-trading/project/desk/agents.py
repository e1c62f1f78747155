import os
from typing import Annotated

from autogen import AssistantAgent, ConversableAgent, LLMConfig, UserProxyAgent, register_function
from autogen.tools import Tool

llm_config = LLMConfig({"model": "gpt-5", "api_key": os.environ["OPENAI_API_KEY"]})


def is_done(message: dict) -> bool:
    return "DONE" in message["content"]


trader = AssistantAgent("trader", llm_config=llm_config)
desk = UserProxyAgent("desk", human_input_mode="NEVER", is_termination_msg=is_done)


@desk.register_for_execution()
@trader.register_for_llm(description="Place an order at the exchange.")
def place_order(
    symbol: Annotated[str, "such as ACME"],
    quantity: Annotated[int, "how many"],
    limit: Annotated[float | None, "highest price"] = None,
) -> str:
    return "placed"


def quote(symbol: str) -> float:
    """The last price."""
    return 1.0


register_function(quote, caller=trader, executor=desk, name="get_quote", description="The last price")


def cancel(order_id: str) -> str:
    return order_id


cancel_tool = Tool(name="cancel_order", description="Cancel an order", func_or_tool=cancel)
cancel_tool.register_for_llm(trader)


def list_positions(account: str) -> dict:
    """What is held."""
    return {}


clerk = ConversableAgent(name="clerk", functions=[list_positions], llm_config=llm_config)
