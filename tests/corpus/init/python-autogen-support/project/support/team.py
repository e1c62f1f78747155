from datetime import date

from autogen_agentchat.agents import AssistantAgent, UserProxyAgent
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_agentchat.tools import AgentTool
from autogen_core.tools import FunctionTool
from autogen_ext.code_executors.docker import DockerCommandLineCodeExecutor
from autogen_ext.models.openai import OpenAIChatCompletionClient
from autogen_ext.tools.code_execution import PythonCodeExecutionTool

from support.tools import CreditTool

model = OpenAIChatCompletionClient(model="gpt-5")


async def lookup_customer(email: str) -> dict:
    """Find a customer."""
    return {}


def ticket(subject: str, priority: int = 3) -> str:
    return subject


def today() -> str:
    return date.today().strftime("%A")


def approve(prompt: str) -> str:
    return input(prompt)


translator = AssistantAgent("translator", model_client=model, description="Translates")
agent = AssistantAgent(
    name="support",
    model_client=model,
    tools=[
        lookup_customer,
        FunctionTool(ticket, name="open_ticket", description="Open a ticket"),
        FunctionTool(today, "What day it is", "weekday"),
        CreditTool(),
        PythonCodeExecutionTool(DockerCommandLineCodeExecutor()),
        AgentTool(agent=translator),
    ],
)
team = RoundRobinGroupChat([agent, UserProxyAgent("person", input_func=approve)])
