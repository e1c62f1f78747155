from .local import tool


@tool
def shadow():
    """No tool of the agent."""
