from langgraph.prebuilt import create_react_agent
from shared.mail import send_mail
from support.tools import refund, search

agent = create_react_agent("openai:gpt-5", [refund, search, send_mail])
