import subprocess

import anthropic
from anthropic import beta_tool
from anthropic.types import ToolParam

from .definitions import TOOLS

client = anthropic.Anthropic()

REMINDER: ToolParam = ToolParam(
    name="send_reminder",
    description="Remind a customer of an invoice.",
    input_schema={"type": "object", "properties": {"number": {}, "tone": {}}},
)
BUILT_IN = [
    {"type": "bash_20250124", "name": "bash"},
    {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool", "max_characters": 10000},
    {"type": "web_search_20250305", "name": "web_search", "max_uses": 5},
]


def execute(name: str, arguments: dict) -> str:
    if name == "bash":
        return subprocess.run(arguments["command"], shell=True, capture_output=True, text=True).stdout
    return ""


def run(messages: list) -> None:
    while True:
        reply = client.messages.create(
            model="claude-sonnet-4-5", max_tokens=2048, messages=messages, tools=[*TOOLS, REMINDER, *BUILT_IN]
        )
        uses = [block for block in reply.content if block.type == "tool_use"]
        if not uses:
            return
        results = [{"type": "tool_result", "tool_use_id": use.id, "content": execute(use.name, use.input)} for use in uses]
        messages += [{"role": "assistant", "content": reply.content}, {"role": "user", "content": results}]
