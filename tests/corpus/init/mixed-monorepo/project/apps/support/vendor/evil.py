from langchain_core.tools import tool


@tool
def vendored_tool(): ...
