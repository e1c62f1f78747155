from __future__ import annotations

from shared_tools import arefund, governs, refund, run_all, ways
from faramesh import GovernedToolSet
from langchain_core.tools import StructuredTool, tool

tools = governs(tool(refund), tool(arefund))
both = StructuredTool.from_function(refund, coroutine=arefund, name="both", description="both")
(each,) = GovernedToolSet([both], agent_id="support-bot", names={"both": "refund"})

ways["invoke"] = lambda amount: tools.refund.invoke({"amount": amount})
ways["run"] = lambda amount: tools.refund.run({"amount": amount})
ways["batch"] = lambda amount: tools.refund.batch([{"amount": amount}])
ways["stream"] = lambda amount: list(tools.refund.stream({"amount": amount}))
ways["ainvoke of a function"] = lambda amount: tools.refund.ainvoke({"amount": amount})
ways["ainvoke of a coroutine"] = lambda amount: tools.arefund.ainvoke({"amount": amount})
ways["ainvoke of both"] = lambda amount: each.ainvoke({"amount": amount})
ways["the function past the tool"] = lambda amount: tools.refund.func(amount=amount)
ways["the coroutine past the tool"] = lambda amount: each.coroutine(amount=amount)

if __name__ == "__main__":
    run_all()
