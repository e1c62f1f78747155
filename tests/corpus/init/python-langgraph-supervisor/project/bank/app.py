from langgraph.prebuilt import create_react_agent
from langgraph_supervisor import create_supervisor

from bank.accounts import account_tools
from bank.research import get_research_tools

research = create_react_agent("openai:gpt-5", tools=get_research_tools(), name="research")
accounts = create_react_agent(model="openai:gpt-5", tools=account_tools(), name="accounts")
app = create_supervisor([research, accounts], model="openai:gpt-5").compile()
