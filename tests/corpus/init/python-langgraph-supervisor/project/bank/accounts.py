from enum import Enum
from typing import Type

from langchain_core.tools import StructuredTool
from pydantic import BaseModel

from bank.base import BankTool
from bank.schemas import TransferArgs


class Names(str, Enum):
    BALANCE = "account_balance"
    TRANSFER = "transfer_money"


class BalanceTool(BankTool):
    name: str = Names.BALANCE.value
    description: str = "How much is on an account"

    def _run(self, account: str) -> str:
        return "0"


class TransferTool(BankTool):
    name: str = Names.TRANSFER
    description: str = "Move money between accounts"
    args_schema: Type[BaseModel] = TransferArgs

    def _run(self, source: str, target: str, amount: float) -> str:
        return "done"

    async def _arun(self, source: str, target: str, amount: float) -> str:
        return "done"


def rate_of(currency: str):
    def rate() -> float:
        return 1.0

    return rate


rates = [
    StructuredTool.from_function(rate_of(code), name=f"get_rate_{code}", description="Exchange rate")
    for code in ("eur", "usd")
]


def account_tools() -> list:
    return [BalanceTool(), TransferTool(), *rates]
