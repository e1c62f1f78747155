from dataclasses import dataclass


@dataclass
class Tool:
    name: str
    description: str = ""


def tool(name: str):
    return lambda function: function


@tool("hammer")
def hit(nail: str) -> None: ...


SHED = [Tool(name="hammer", description="hits")]
