from flask import Flask

app = Flask(__name__)


@app.route("/tools")
def list_tools():
    return {"tools": [{"name": "saw", "description": "cuts", "parameters": {"teeth": 12}}]}
