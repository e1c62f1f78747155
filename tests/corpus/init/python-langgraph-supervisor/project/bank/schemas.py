from pydantic import BaseModel, Field


class TransferArgs(BaseModel):
    source: str = Field(..., description="IBAN to take from")
    target: str = Field(..., description="IBAN to give to")
    amount: float
