from __future__ import annotations

from shared_tools import arefund, governs, refund, run_all, ways
from llama_index.core.tools import FunctionTool

tools = governs(FunctionTool.from_defaults(refund), FunctionTool.from_defaults(async_fn=arefund))
ways["call"] = lambda amount: tools.refund.call(amount=amount)
ways["calling it"] = lambda amount: tools.refund(amount=amount)
ways["acall of a function"] = lambda amount: tools.refund.acall(amount=amount)
ways["acall of a coroutine"] = lambda amount: tools.arefund.acall(amount=amount)
ways["the function past the tool"] = lambda amount: tools.refund.fn(amount=amount)
ways["the coroutine past the tool"] = lambda amount: tools.arefund.async_fn(amount=amount)

if __name__ == "__main__":
    run_all()
