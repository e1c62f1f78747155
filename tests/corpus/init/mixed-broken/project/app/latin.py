# -*- coding: latin-1 -*-
# Grüße
from strands import tool


@tool(name="gr\u00fc\u00dfe")
def hello(name: str) -> str:
    """Sagt Grüße."""
    return name
