from client import runtime
from tools import TOOL_CONFIG


def turn(messages):
    reply = runtime.converse(modelId="amazon.nova-pro-v1:0", messages=messages, toolConfig=TOOL_CONFIG)
    for block in reply["output"]["message"]["content"]:
        if "toolUse" in block:
            print(block["toolUse"]["name"])
