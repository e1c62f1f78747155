from autogen_core import CancellationToken
from autogen_core.tools import BaseTool
from pydantic import BaseModel, Field


class CreditArgs(BaseModel):
    account: str = Field(description="the account")
    cents: int


class CreditResult(BaseModel):
    balance: int


class CreditTool(BaseTool[CreditArgs, CreditResult]):
    def __init__(self) -> None:
        super().__init__(CreditArgs, CreditResult, "credit_account", "Give a customer a credit.")

    async def run(self, args: CreditArgs, cancellation_token: CancellationToken) -> CreditResult:
        return CreditResult(balance=args.cents)
