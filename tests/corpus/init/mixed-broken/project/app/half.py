from strands import tool


@tool
def before(a: str) -> str:
    """Stands before the fault."""
    return a


def broken(:
    return {


@tool
def after(b: str) -> str:
    """Stands after it."""
    return b
