from deepagents import create_deep_agent
from toolbox import commit, tests

agent = create_deep_agent(model="claude-sonnet-4-5", tools=[tests, commit], system_prompt="You write code.")
