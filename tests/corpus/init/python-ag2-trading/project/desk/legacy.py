llm_config = {
    "timeout": 600,
    "functions": [
        {
            "name": "margin_call",
            "description": "Ask for more money.",
            "parameters": {
                "type": "object",
                "properties": {"account": {"type": "string"}, "amount": {"type": "number"}},
                "required": ["account"],
            },
        }
    ],
    "config_list": [{"model": "gpt-4", "name": "main"}],
}
