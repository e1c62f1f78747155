from llama_index.core.agent.workflow import AgentWorkflow, ReActAgent
from llama_index.core.tools import FunctionTool
from llama_index.llms.ollama import Ollama


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def subtract(a: int, b: int) -> int:
    """Take one number from another."""
    return a - b


def store(value: int) -> None:
    """Keep a number."""


tools = [FunctionTool.from_defaults(fn) for fn in ()] + [FunctionTool.from_defaults(store, "store_result")]
agent = ReActAgent(tools=[add] + tools, llm=Ollama(model="llama3.2"))
flow = AgentWorkflow.from_tools_or_functions([subtract, add], llm=Ollama(model="llama3.2"))


def main() -> None:
    flow.run(user_msg="1 + 1")
