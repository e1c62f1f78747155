from dataclasses import dataclass

from pydantic import BaseModel
from pydantic_ai import Agent, RunContext
from pydantic_ai.common_tools.duckduckgo import duckduckgo_search_tool
from pydantic_ai.tools import ToolDefinition

from .cards import cards


@dataclass
class Deps:
    customer: int


class Output(BaseModel):
    advice: str


support = Agent(
    "openai:gpt-5",
    deps_type=Deps,
    output_type=Output,
    tools=[duckduckgo_search_tool()],
    toolsets=[cards],
)


async def only_if_allowed(ctx: RunContext[Deps], definition: ToolDefinition) -> ToolDefinition | None:
    return definition if ctx.deps.customer == 42 else None


@support.system_prompt
async def add_name(ctx: RunContext[Deps]) -> str:
    return f"The customer is {ctx.deps.customer}"


@support.tool
async def customer_balance(ctx: RunContext[Deps], include_pending: bool) -> float:
    """What the customer has."""
    return 0.0


@support.tool_plain(retries=3)
def exchange_rate(currency: str) -> float:
    """What a currency is worth."""
    return 1.0


@support.tool(name="block_card", prepare=only_if_allowed)
def block(ctx: RunContext[Deps], card_id: str, reason: str = "lost") -> str:
    """Block a card."""
    return card_id


@support.output_validator
def check_output(ctx: RunContext[Deps], output: Output) -> Output:
    return output
