import json
from dataclasses import dataclass

from agents import FunctionTool, RunContextWrapper, function_tool
from pydantic import BaseModel


@dataclass
class Trip:
    user: str


class Hotel(BaseModel):
    city: str
    nights: int


@function_tool
async def find_flights(ctx: RunContextWrapper[Trip], origin: str, destination: str, date: str) -> str:
    """Find flights on a day.

    Args:
        origin: airport code
        destination: airport code
        date: such as 2026-05-01
    """
    return json.dumps([])


@function_tool(
    name_override="book_hotel",
    description_override="Book a room",
    strict_mode=False,
)
def reserve(city: str, nights: int, guests: int = 1) -> str:
    return "H-1"


async def _cancel(ctx: RunContextWrapper[Trip], args: str) -> str:
    return "cancelled"


cancel_booking = FunctionTool(
    name="cancel_booking",
    description="Cancel what was booked.",
    params_json_schema={
        "type": "object",
        "properties": {"reference": {"type": "string"}},
        "required": ["reference"],
        "additionalProperties": False,
    },
    on_invoke_tool=_cancel,
)


def itinerary(email: str) -> str:
    """Send the plan by mail."""
    return email


send = function_tool(itinerary, name_override="send_itinerary")


def on_handoff(ctx: RunContextWrapper[Trip]) -> None:
    """Told when an agent hands over."""
