def handler(event, context):
    name = event["function"]
    arguments = {entry["name"]: entry["value"] for entry in event.get("parameters", [])}
    body = {"TEXT": {"body": f"{name} {arguments}"}}
    return {"messageVersion": "1.0", "response": {"function": name, "functionResponse": {"responseBody": body}}}
