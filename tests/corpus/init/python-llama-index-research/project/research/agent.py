import asyncio

from llama_index.core import VectorStoreIndex
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.tools import FunctionTool, QueryEngineTool, ToolMetadata
from llama_index.core.workflow import Context
from llama_index.llms.openai import OpenAI
from llama_index.tools.tavily_research import TavilyToolSpec

from research.crm import CrmToolSpec

index = VectorStoreIndex.from_documents([])
reports = QueryEngineTool(
    query_engine=index.as_query_engine(),
    metadata=ToolMetadata(name="annual_reports", description="Numbers of the last ten years"),
)
press = QueryEngineTool.from_defaults(
    query_engine=index.as_query_engine(similarity_top_k=3),
    name="press_releases",
    description="What the company said",
)


async def record_notes(ctx: Context, notes: str, title: str) -> str:
    """Keep notes for later."""
    return title


def save_report(text: str) -> str:
    """Write the report."""
    return "report.md"


def _multiply(a: float, b: float) -> float:
    return a * b


multiply = FunctionTool.from_defaults(fn=_multiply, name="multiply_by", description="Multiply two numbers")
tavily = TavilyToolSpec(api_key="key").to_tool_list()
researcher = FunctionAgent(
    name="Researcher",
    llm=OpenAI("gpt-5"),
    tools=[reports, press, record_notes, multiply, *tavily, *CrmToolSpec("https://crm").to_tool_list()],
)
writer = FunctionAgent(name="Writer", tools=[FunctionTool.from_defaults(async_fn=save_report)], llm=OpenAI("gpt-5"))
workflow = AgentWorkflow(agents=[researcher, writer], root_agent="Researcher")

if __name__ == "__main__":
    asyncio.run(workflow.run("Write about Acme"))
