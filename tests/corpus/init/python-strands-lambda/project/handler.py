import strands

MODEL = "us.amazon.nova-pro-v1:0"


@strands.tool
def find_parcel(number: str) -> dict:
    """Where a parcel is."""
    return {}


@strands.tool(description="Send a parcel somewhere else")
def redirect_parcel(number: str, address: str) -> dict:
    return {}


agent = strands.Agent(model=MODEL, tools=[find_parcel, redirect_parcel, "./tools/print_label.py"])


def handler(event: dict, _context) -> str:
    return str(agent(event["prompt"]))
