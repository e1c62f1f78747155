"""Whose call it is: what a program says of a run is decided upon and is in the record.

Every page says it with the options of its tool set; where the framework hands a context of
the run to its tools, by that as well.
"""

from __future__ import annotations

from collections.abc import Callable

from stack import Stack

from frameworks.table import Row
from frameworks.test_pages import PERMITTED, of, pages, play, records

POLICY = """\
agent "support-bot" {
  default deny
  rules { permit refund if principal.id == "ada" and tags.team == "support" }
}
"""

TOLD = """{
    "session_id": "ticket-7", "request_id": "req-9",
    "principal": {"id": "ada"}, "tags": {"team": "support"},
}"""
THREAD = '{"configurable": {"thread_id": "ticket-7"}}'

# What the page says, and what says the same of a run as TOLD does; some pages say all of it.
CONTEXTS = {
    "langchain": (),
    "langgraph": ((THREAD, THREAD[:-1] + f', "metadata": {TOLD}' + "}"),),
    "openai-agents": (),
    "pydantic-ai": (('run_sync("Refund my mug."', f'run_sync("Refund my mug.", deps={TOLD}'),),
    "ag2": (('ask("Refund my mug."', f'ask("Refund my mug.", dependencies={TOLD}'),),
}

OPTIONS = """agent_id="support-bot",
    session_id="ticket-7", principal={"id": "ada"}, tags={"team": "support"}"""


def permitted(row: Row, stack: Stack, *changes: tuple[str, str]) -> dict[str, object]:
    """The record of the page's one call, which only this principal with this tag may make."""
    seen = play(row, PERMITTED, stack, *changes)
    assert "refunded 80" in seen.text, seen.whole
    (record,) = records(stack, "decision")
    read = record["inputs"]["call"]
    assert read["principal"] == {"id": "ada"} and read["tags"] == {"team": "support"}
    assert record["session"] == "ticket-7"
    return record


@of(*CONTEXTS)
def test_the_context_of_the_run_says_whose_call_it_is(
    row: Row, make_stack: Callable[[str], Stack]
) -> None:
    record = permitted(row, make_stack(POLICY), *CONTEXTS[row.page])
    assert record["request_id"] == "req-9"


@pages
def test_the_options_say_whose_call_it_is(row: Row, make_stack: Callable[[str], Stack]) -> None:
    permitted(row, make_stack(POLICY), ('agent_id="support-bot"', OPTIONS))


@of("google-adk")
def test_the_session_and_the_invocation_are_those_of_adk(row: Row, stack: Stack) -> None:
    user = 'app_name="support", user_id="ada")'
    play(row, PERMITTED, stack, (user, user[:-1] + ', session_id="s-7")'))
    (record,) = records(stack, "decision")
    assert record["session"] == "s-7"
    assert record["request_id"].startswith("e-")
