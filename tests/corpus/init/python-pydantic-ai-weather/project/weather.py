from __future__ import annotations as _annotations

import random

import pydantic_ai
from pydantic_ai import RunContext
from pydantic_ai.toolsets import FunctionToolset


def lat_lng(place: str) -> tuple[float, float]:
    """Where a place is."""
    return 0.0, 0.0


async def forecast(ctx: RunContext[None], lat: float, lng: float) -> str:
    """The weather at a place."""
    return describe("sun")


def describe(word: str) -> str:
    return word.title()


def roll_dice() -> str:
    """For those who do not trust forecasts."""
    return str(random.randint(1, 6))


def alert(message: str) -> None:
    """Send an alert to everybody in the region."""


extra = FunctionToolset()
extra.add_function(alert)

agent = pydantic_ai.Agent(
    "anthropic:claude-sonnet-4-5",
    tools=(
        pydantic_ai.Tool(lat_lng, takes_ctx=False),
        forecast,
        roll_dice,
    ),
    toolsets=[extra],
)
