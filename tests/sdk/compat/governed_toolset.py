"""A LangChain BaseTool in the published package's GovernedToolSet."""

from __future__ import annotations

from client import serve
from faramesh import GovernedToolSet
from langchain_core.tools import BaseTool


class Refund(BaseTool):
    name: str = "stripe/refund"
    description: str = "Give money back."

    def _run(self, amount: int) -> str:
        return f"refunded {amount}"

    async def _arun(self, amount: int) -> str:
        return f"refunded {amount}"


(refund,) = GovernedToolSet([Refund()], agent_id="support-bot")
serve(lambda name: refund)
