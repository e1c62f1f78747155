from crewai.tools import tool


@tool
def read_wire(agency: str) -> str:
    """The latest reports of an agency."""
    return ""
