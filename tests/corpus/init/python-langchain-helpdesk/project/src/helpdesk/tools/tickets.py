"""Tickets.

To add a tool, write a function here:

    @tool
    def archive_all() -> None:
        ...
"""

from langchain_core.tools import tool

REOPEN = "reopen-ticket"


def normalise(ticket_id: str) -> str:
    return ticket_id.strip().upper()


@tool("close_ticket", parse_docstring=True)
def close(ticket_id: str, resolution: str) -> str:
    """Close a ticket.

    Args:
        ticket_id: the number of the ticket
        resolution: what was done
    """
    return normalise(ticket_id)


close_ticket = close


@tool(REOPEN)
def reopen(ticket_id: str) -> str:
    """Open a closed ticket again."""
    return normalise(ticket_id)
