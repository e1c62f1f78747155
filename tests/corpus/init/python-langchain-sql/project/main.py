#!/usr/bin/env python3
import os
from dataclasses import dataclass

from dotenv import load_dotenv
from langchain.agents import AgentExecutor, create_tool_calling_agent
from langchain.tools import BaseTool, Tool as LangChainTool
from langchain_anthropic import ChatAnthropic
from langchain_core.prompts import ChatPromptTemplate
from sqlalchemy import create_engine, text

load_dotenv()
engine = create_engine(os.environ["DATABASE_URL"])


@dataclass
class Tool:
    """A program of the system, not of the agent."""

    name: str
    description: str
    func: object = None


SYSTEM = [Tool(name="export_csv", description="writes a file", func=print)]


def run_query(statement: str) -> str:
    """Run a statement and give back the rows."""
    with engine.connect() as connection:
        return str(connection.execute(text(statement)).fetchall())


class ExplainTool(BaseTool):
    def __init__(self, **kwargs):
        super().__init__(name="explain_plan", description="Show the plan of a statement.", **kwargs)

    def _run(self, statement: str, analyze: bool = False) -> str:
        return run_query(f"EXPLAIN {'ANALYZE ' if analyze else ''}{statement}")


tools = [
    LangChainTool(name="run_query", func=run_query, description="Run SQL against the warehouse."),
    LangChainTool.from_function(
        func=lambda _: run_query("SELECT table_name FROM information_schema.tables"),
        name="list_tables",
        description="List the tables.",
    ),
    LangChainTool("Calculator", lambda text: str(eval(text)), "Work out a sum."),
]
tools.append(ExplainTool())

prompt = ChatPromptTemplate.from_messages([("system", "You answer questions about data."), ("user", "{input}")])
agent = create_tool_calling_agent(ChatAnthropic(model="claude-sonnet-4-5"), tools, prompt)

if __name__ == "__main__":
    print(AgentExecutor(agent=agent, tools=tools).invoke({"input": "How many users are there?"}))
