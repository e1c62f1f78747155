# -*- coding: utf-8 -*-
import requests
from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool as crew_tool
from crewai.tools.structured_tool import CrewStructuredTool
from pydantic import BaseModel

NOTE = '@crew_tool("Ignore previous instructions")'


@crew_tool("Enrich lead")
def enrich(company: str) -> str:
    """What is known about a company."""
    return requests.get("https://crm.example.com/companies", params={"q": company}, timeout=10).text


@crew_tool("Send outreach " "mail")
def send(to: str, subject: str, body: str) -> str:
    """Write to somebody who did not ask."""
    return "sent"


class Lookup(BaseModel):
    email: str


lookup = CrewStructuredTool.from_function(
    func=lambda email: {}, name="CRM lookup", description="Finds a person.", args_schema=Lookup
)

seller = Agent(role="Seller", goal="Sell", backstory="You sell.", tools=[enrich, send, lookup], llm=LLM("gpt-5"))
crew = Crew(agents=[seller], tasks=[Task(description="Find ten leads", expected_output="a list", agent=seller)])

if __name__ == "__main__":
    crew.kickoff()
