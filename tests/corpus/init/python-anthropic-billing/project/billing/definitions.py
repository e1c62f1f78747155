from pydantic import BaseModel


class ListInvoices(BaseModel):
    customer: str


CREATE = {
    "name": "create_invoice",
    "description": "Write an invoice. It is sent at once.",
    "input_schema": {
        "type": "object",
        "properties": {
            "customer": {"type": "string", "description": "Number of the customer"},
            "amount": {"type": "number"},
            "currency": {"type": "string", "enum": ["EUR", "USD"]},
        },
        "required": ["customer", "amount"],
    },
}

VOID_SCHEMA = {"type": "object", "properties": {"number": {"type": "string"}}}
TOOLS = [
    CREATE,
    {"name": "void_invoice", "description": "Void an invoice", "input_schema": VOID_SCHEMA},
    dict(
        name="list_invoices",
        description="List the invoices of a customer",
        input_schema=ListInvoices.model_json_schema(),
    ),
]

CUSTOMER = {"name": "Acme", "description": "a customer", "address": {"type": "object"}}
