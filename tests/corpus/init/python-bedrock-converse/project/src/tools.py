BALANCE = "get_balance"
REGIONS = [{"name": "us-east-1", "description": "Virginia"}]

_ACCOUNT = {"account": {"type": "string", "description": "IBAN"}}

TOOL_CONFIG = {
    "tools": [
        {
            "toolSpec": {
                "name": BALANCE,
                "description": "The balance of an account.",
                "inputSchema": {"json": {"type": "object", "properties": _ACCOUNT, "required": ["account"]}},
            }
        },
        {
            "toolSpec": {
                "name": "block_account",
                "description": "Block an account.",
                "inputSchema": {
                    "json": {
                        "type": "object",
                        "properties": {**_ACCOUNT, "reason": {"type": "string"}},
                    }
                },
            }
        },
    ],
    "toolChoice": {"auto": {}},
}
