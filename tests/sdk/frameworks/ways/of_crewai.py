from __future__ import annotations

from shared_tools import arefund, governs, pay, refund, run_all, ways
from crewai.tools import BaseTool, tool


class Refund(BaseTool):
    name: str = "refund"
    description: str = "Give money back."

    def _run(self, amount: int) -> str:
        return pay(amount)


tools = governs(tool("refund")(refund), tool("arefund")(arefund))
(own,) = governs(Refund())
ways["run"] = lambda amount: tools.refund.run(amount=amount)
ways["run of a class"] = lambda amount: own.run(amount=amount)
ways["run of a coroutine"] = lambda amount: tools.arefund.run(amount=amount)
ways["arun"] = lambda amount: tools.arefund.arun(amount=amount)
ways["as the crew has it"] = lambda amount: tools.refund.to_structured_tool().invoke(
    {"amount": amount}
)
ways["the function past the tool"] = lambda amount: tools.refund.func(amount=amount)

if __name__ == "__main__":
    run_all()
