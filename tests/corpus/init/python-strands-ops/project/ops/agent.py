from strands import Agent, tool
from strands.models import BedrockModel
from strands_tools import calculator, http_request

from ops.cloud import Cloud
from ops.tools import uptime
from ops.tools.dns import update_record

cloud = Cloud("default")


def on_event(**event) -> None:
    print(event)


@tool
def researcher(query: str) -> str:
    """Find out about something."""
    return str(Agent(tools=[http_request], callback_handler=on_event)(query))


agent = Agent(
    model=BedrockModel(model_id="anthropic.claude-sonnet-4-5-v1:0"),
    tools=[calculator, cloud.list_instances, cloud.stop, update_record, uptime, researcher],
)
