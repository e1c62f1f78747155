from anthropic import AsyncAnthropic, beta_async_tool, beta_tool

client = AsyncAnthropic()


@beta_async_tool
async def get_status(service: str) -> str:
    """How a service is.

    Args:
        service: its name
    """
    return "up"


@beta_tool(name="restart")
def restart_service(service: str, force: bool = False) -> str:
    """Restart a service."""
    return service


runner = client.beta.messages.tool_runner(model="claude-sonnet-4-5", max_tokens=1024, tools=[get_status, restart_service], messages=[])
