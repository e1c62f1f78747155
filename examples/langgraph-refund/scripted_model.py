"""A chat model that reads its lines from a list: no key, no network, the same every time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult


class ScriptedModel(BaseChatModel):
    """Says the line that follows those it has already said in the conversation."""

    lines: list[AIMessage]

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> ScriptedModel:
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        said = sum(isinstance(message, AIMessage) for message in messages)
        line = self.lines[said].model_copy()
        return ChatResult(generations=[ChatGeneration(message=line)])


def says(text: str, tool: str = "", **arguments: Any) -> AIMessage:
    """One line of the script, with the tool that the model asks for, if any."""
    calls = []
    if tool:
        calls.append({"name": tool, "args": arguments, "id": f"call-{tool}", "type": "tool_call"})
    return AIMessage(text, tool_calls=calls)
