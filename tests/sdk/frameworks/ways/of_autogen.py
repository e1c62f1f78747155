from __future__ import annotations

from typing import Any

from autogen_core import CancellationToken
from autogen_core.tools import BaseStreamTool, FunctionTool, StaticStreamWorkbench, StaticWorkbench
from shared_tools import arefund, governs, last, pay, refund, run_all, ways
from pydantic import BaseModel


class Args(BaseModel):
    amount: int


class Said(BaseModel):
    said: str


class Streamed(BaseStreamTool[Args, Said, Said]):
    def __init__(self) -> None:
        super().__init__(Args, Said, "refund", "Give money back.")

    async def run(self, args: Args, cancellation_token: Any) -> Said:
        return Said(said=pay(args.amount))

    async def run_stream(self, args: Args, cancellation_token: Any) -> Any:
        yield Said(said="begun")
        yield Said(said=pay(args.amount))


tools = governs(FunctionTool(refund, "Give money back."), FunctionTool(arefund, "Give money back."))
(stream,) = governs(Streamed())
token = CancellationToken()
ways["run_json"] = lambda amount: tools.refund.run_json({"amount": amount}, token)
ways["run_json of a coroutine"] = lambda amount: tools.arefund.run_json({"amount": amount}, token)
ways["run"] = lambda amount: stream.run(Args(amount=amount), token)
ways["run_json_stream"] = lambda amount: last(stream.run_json_stream({"amount": amount}, token))
ways["a workbench"] = lambda amount: StaticWorkbench([stream]).call_tool(
    "refund", {"amount": amount}
)
ways["a workbench that streams"] = lambda amount: last(
    StaticStreamWorkbench([stream]).call_tool_stream("refund", {"amount": amount})
)

if __name__ == "__main__":
    run_all()
