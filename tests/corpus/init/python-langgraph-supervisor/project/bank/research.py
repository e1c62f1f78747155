def company_news(ticker: str, days: int = 7) -> list[str]:
    """News about a company."""
    return []


def stock_price(ticker: str) -> float:
    """The last price of a share."""
    return 0.0


def get_research_tools():
    tools = [company_news, stock_price]
    return tools
