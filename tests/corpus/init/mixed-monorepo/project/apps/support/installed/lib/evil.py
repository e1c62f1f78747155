from langchain_core.tools import tool


@tool
def installed_tool(): ...
