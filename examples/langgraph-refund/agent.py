"""A support agent whose every tool call Faramesh decides.

    faramesh dev                        # in one terminal, in this folder
    python agent.py first               # in another: permit, permit, defer, deny
    faramesh approvals approve apr-...  # a person answers
    python agent.py retry               # permitted once, then deferred again

The agent itself is the ordinary `create_agent`; `GovernedToolSet` is the only line
that knows of Faramesh. The rest of this file tells the story on the screen.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path

from faramesh import WAIT, DaemonUnreachable, GovernedToolSet, ToolDeniedException
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, ToolMessage
from scripted_model import ScriptedModel, says
from tools import GOVERNED_NAMES, payout, refund, search

CARD = {"number": "4242 4242 4242 4242", "brand": "Visa"}

SCRIPTS = {
    "first": [
        says("I look up the order.", "search", query="order 1042"),
        says(
            "The mug came broken. I refund the $80.", "refund", order="1042", amount=80, card=CARD
        ),
        says(
            "The customer writes that $8,000 would be fair. I refund that.",
            "refund",
            order="1042",
            amount=8000,
            card=CARD,
        ),
        says(
            "Then I send the money to their bank account instead.",
            "payout",
            account="DE02 1203 0000 0000 2020 51",
            amount=8000,
        ),
        says("I tell the customer what was done and what waits for a colleague."),
    ],
    "retry": [
        says("A colleague answered. I ask again.", "refund", order="1042", amount=8000, card=CARD),
        says("And once more, to be sure.", "refund", order="1042", amount=8000, card=CARD),
        says("I stop here."),
    ],
}

EXPECTED = {
    "first": ["PERMIT", "PERMIT", "DEFER", "DENY"],
    "retry": ["PERMIT", "DEFER"],
}


class Story:
    """Prints what the model asked and what Faramesh said, at most 100 columns wide."""

    def __init__(self) -> None:
        self.effects: list[str] = []
        self.approvals: list[str] = []
        self._refusal: ToolDeniedException | None = None

    def refused(self, refusal: ToolDeniedException) -> str:
        """The handler of refusals: keep it for the screen, and answer the model with it."""
        self._refusal = refusal
        return str(refusal)

    def held(self, refusal: ToolDeniedException) -> object:
        """The handler of defers with `--wait`: say so, then let the SDK wait."""
        self.approvals.append(refusal.approval_id)
        self._line("faramesh", f"? DEFER: {refusal.human_message}")
        self._line("", f"waiting for approval {refusal.approval_id} ...")
        return WAIT

    def show(self, message: object) -> None:
        if isinstance(message, AIMessage):
            print()
            self._line("model", str(message.content))
            for call in message.tool_calls:
                self._line("asks", f"{GOVERNED_NAMES[call['name']]}  {_plain(call['args'])}")
        elif isinstance(message, ToolMessage):
            refusal, self._refusal = self._refusal, None
            if refusal is None:
                self._effect("PERMIT", "")
                self._line("tool", str(message.content))
            else:
                self._show_refusal(refusal)

    def _show_refusal(self, refusal: ToolDeniedException) -> None:
        self._effect(refusal.effect, refusal.human_message)
        details = [f"rule {refusal.rule_ref}"] if refusal.rule_ref else []
        details += [f"record {refusal.action_id}"] if refusal.action_id else []
        if details:
            self._line("", ", ".join(details))
        if refusal.next:
            self._line("", f"would be decided otherwise if {refusal.next}")
        if refusal.effect == "DEFER":
            self.approvals.append(refusal.approval_id)
            self._line("", f"approval {refusal.approval_id} waits for a person")
        self._line("tool", "did not run")

    def _effect(self, effect: str, reason: str) -> None:
        self.effects.append(effect)
        mark = {"PERMIT": "+", "DEFER": "?", "DENY": "x"}[effect]
        self._line("faramesh", f"{mark} {effect}" + (f": {reason}" if reason else ""))

    def _line(self, who: str, text: str) -> None:
        indent = " " * 12
        print(textwrap.fill(text, 98, initial_indent=f"{who:>10}  ", subsequent_indent=indent))


def _plain(arguments: dict[str, object]) -> str:
    # The card stays off this screen too, as `redact` keeps it out of the records.
    return ", ".join(f"{key} {value}" for key, value in arguments.items() if key != "card")


def run(script: str, *, wait: bool = False, timeout: float = 900) -> Story:
    """Play one script and return what happened. `wait` holds a deferred call until answered."""
    story = Story()
    tools = GovernedToolSet(
        [search, refund, payout],
        agent_id="support-bot",
        names=GOVERNED_NAMES,
        on_defer=story.held if wait else story.refused,
        on_deny=story.refused,
        approval_timeout=timeout,
    )
    agent = create_agent(ScriptedModel(lines=SCRIPTS[script]), tools)
    start = {"messages": [("user", "My mug from order 1042 came broken. I want my money back.")]}
    for update in agent.stream(start, stream_mode="updates"):
        for step in update.values():
            for message in step["messages"]:
                story.show(message)
    return story


def main() -> int:
    parser = argparse.ArgumentParser(description="A support agent that Faramesh governs.")
    parser.add_argument("script", choices=SCRIPTS, help="what the model will say")
    parser.add_argument("--wait", action="store_true", help="hold deferred calls until answered")
    parser.add_argument("--expect", help="effects to insist on, such as PERMIT,DEFER")
    parser.add_argument("--approval-file", type=Path, help="write the approvals that wait here")
    options = parser.parse_args()

    try:
        story = run(options.script, wait=options.wait)
    except DaemonUnreachable as problem:
        print(f"error: {problem.human_message}", file=sys.stderr)
        return 2
    if options.approval_file:
        options.approval_file.write_text("".join(f"{name}\n" for name in story.approvals))
    expected = options.expect.upper().split(",") if options.expect else EXPECTED[options.script]
    if not options.wait and story.effects != expected:
        print(f"\nerror: expected {expected}, got {story.effects}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
