import anyio
from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient, HookMatcher, create_sdk_mcp_server, tool


@tool("deploy", "Put a version of a service into production", {"service": str, "version": str})
async def deploy(args):
    return {"content": [{"type": "text", "text": f"deployed {args['service']}"}]}


@tool(
    "rollback",
    "Go back to the version before",
    {"type": "object", "properties": {"service": {"type": "string"}}, "required": ["service"]},
)
async def rollback_tool(args: dict) -> dict:
    return {"content": []}


async def guard(input_data, tool_use_id, context):
    return {}


server = create_sdk_mcp_server(name="ops", version="1.0.0", tools=[deploy, rollback_tool])
options = ClaudeAgentOptions(
    mcp_servers={"ops": server},
    allowed_tools=["mcp__ops__deploy", "mcp__ops__rollback", "Read"],
    hooks={"PreToolUse": [HookMatcher(matcher="Bash", hooks=[guard])]},
)


async def main() -> None:
    async with ClaudeSDKClient(options=options) as client:
        await client.query("Deploy the shop")


if __name__ == "__main__":
    anyio.run(main)
