from langchain_core.tools import StructuredTool, create_retriever_tool
from langchain_openai import OpenAIEmbeddings
from langchain_core.vectorstores import InMemoryVectorStore

store = InMemoryVectorStore(OpenAIEmbeddings())

handbook_tool = create_retriever_tool(
    store.as_retriever(),
    "search_handbook",
    "Search the handbook of the support team.",
)


def _summarise(text: str) -> str:
    """Make a long text short."""
    return text[:200]


summarise_tool = StructuredTool.from_function(
    func=_summarise,
    name="summarise",
    description="Make a long text short",
)
