import datetime

from google.adk.agents import Agent, SequentialAgent
from google.adk.models import LlmRequest
from google.adk.tools import LongRunningFunctionTool, ToolContext, google_search
from google.adk.tools.agent_tool import AgentTool

from .sub_agents import weather
from .tools.bookings import Bookings

bookings = Bookings()


def get_current_time(city: str) -> dict:
    """Tells the time in a city."""
    return {"status": "success", "time": str(datetime.datetime.now())}


def ask_owner(question: str, tool_context: ToolContext) -> dict[str, str]:
    """Asks the owner of the house."""
    return {"status": "pending"}


def before_model(callback_context, llm_request: LlmRequest):
    return None


root_agent = Agent(
    name="concierge",
    model="gemini-2.5-flash",
    instruction="Help the guest.",
    before_model_callback=before_model,
    tools=[
        get_current_time,
        LongRunningFunctionTool(func=ask_owner),
        AgentTool(agent=weather.weather_agent),
        google_search,
        bookings.reserve,
        bookings.cancel,
    ],
)

pipeline = SequentialAgent(name="pipeline", sub_agents=[root_agent])
