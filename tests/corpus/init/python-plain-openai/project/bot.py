import json

from openai import OpenAI

client = OpenAI()
tools = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather in a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]}},
                "required": ["city"],
            },
            "strict": True,
        },
    },
    {
        "type": "function",
        "name": "set_thermostat",
        "description": "Change the heating",
        "parameters": {"type": "object", "properties": {"celsius": {"type": "number"}}},
    },
]
response_format = {"type": "json_schema", "json_schema": {"name": "person", "schema": {"type": "object", "properties": {}}}}
STEPS = [{"name": "pipeline", "parameters": {"retries": 3}}]


def call(name: str, arguments: str) -> str:
    return json.dumps({"name": name, **json.loads(arguments)})


reply = client.chat.completions.create(model="gpt-5", messages=[], tools=tools, response_format=response_format)
