"""``on_defer="interrupt"``: each framework's own way to hold a call, to the end.

The page's program up to the agent, then a run that is held, a person's answer on the real
daemon while the process waits, and the run that goes on.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from stack import Stack

from frameworks.table import Row
from frameworks.test_pages import DEFERRED, environment, of, program, records

OPENAI_AGENTS = """
result = Runner.run_sync(agent, "Refund my mug.", context=context)
while result.interruptions:
    print("held:", len(result.interruptions), flush=True)
    input()
    state = result.to_state()
    for item in result.interruptions:
        state.approve(item)
    result = Runner.run_sync(agent, state)
print("model saw:", result.final_output)
"""

PYDANTIC_AI = """
from pydantic_ai import DeferredToolRequests, DeferredToolResults
agent = Agent(FunctionModel(script), tools=tools, output_type=[str, DeferredToolRequests])
result = agent.run_sync("Refund my mug.")
while isinstance(result.output, DeferredToolRequests):
    ids = [call.tool_call_id for call in result.output.approvals]
    print("held:", len(ids), result.output.metadata[ids[0]]["faramesh"]["approval_id"], flush=True)
    input()
    answers = DeferredToolResults(approvals={name: True for name in ids})
    history = result.all_messages()
    result = agent.run_sync(message_history=history, deferred_tool_results=answers)
print("model saw:", result.output)
"""

GOOGLE_ADK = """
async def main() -> None:
    runner = InMemoryRunner(agent, app_name="support")
    session = await runner.session_service.create_session(app_name="support", user_id="ada")
    message = types.Content(role="user", parts=[types.Part(text="Refund my mug.")])
    while message:
        said, message = message, None
        async for event in runner.run_async(
            user_id="ada", session_id=session.id, new_message=said
        ):
            for call in event.get_function_calls():
                if call.name == "adk_request_confirmation":
                    print("held: 1", flush=True)
                    input()
                    answer = types.FunctionResponse(
                        id=call.id, name=call.name, response={"confirmed": True}
                    )
                    message = types.Content(
                        role="user", parts=[types.Part(function_response=answer)]
                    )
            for part in event.content.parts if event.content else []:
                if part.text or part.function_response:
                    print("model saw:", part.text or part.function_response.response)

asyncio.run(main())
"""

# The others take the resumption for the answer, and their model reads that it still waits.
HELD_AGAIN = ("langgraph", "pydantic-ai")

ENDINGS = {
    "langgraph": ("", ""),
    "openai-agents": ("result = Runner", OPENAI_AGENTS),
    "pydantic-ai": ("agent = Agent(", PYDANTIC_AI),
    "google-adk": ("async def main()", GOOGLE_ADK),
}


def held_program(page: str, folder: Path) -> Path:
    file = program(page, folder)
    text = file.read_text()
    cut, ending = ENDINGS[page]
    if cut:
        assert text.count(cut) == 1
        text = text[: text.index(cut)] + ending
        text = text.replace('"support-bot")', '"support-bot", on_defer="interrupt")')
    file.write_text(text)
    return file


@of(*ENDINGS)
@pytest.mark.parametrize("answer", ["approve", "deny"])
def test_a_held_call_goes_on_after_the_answer(row: Row, answer: str, stack: Stack) -> None:
    with subprocess.Popen(
        [row.python, str(held_program(row.page, stack.folder)), str(DEFERRED)],
        cwd=stack.folder,
        env=environment(stack),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdin and process.stdout
        said = []

        def read_until_held() -> None:
            for line in process.stdout or ():
                said.append(line)
                if line.startswith(("held: ", "interrupted: ")):
                    return
            raise AssertionError("".join(said))

        read_until_held()
        (waiting,) = stack.pending()
        if row.page in HELD_AGAIN:
            # Resumed before anybody answered, and nothing new is evaluated.
            process.stdin.write("\n")
            process.stdin.flush()
            read_until_held()
            assert len(records(stack, "decision")) == 1
        if answer == "approve":
            stack.approve(waiting["id"])
        else:
            stack.deny(waiting["id"], "wrong customer")
        rest, _ = process.communicate("\n", timeout=120)
    effects = [record["effect"] for record in records(stack, "decision")]
    if answer == "approve":
        assert "refunded 8000" in rest, rest
        assert effects == ["defer", "permit"]
    else:
        assert "refunded" not in rest
        assert "wrong customer" in rest
        assert effects == ["defer"]
