from faramesh import GovernedToolSet, governed


@governed(agent_id="shop")
def refund(order: str, amount: int) -> str:
    """Give money back."""
    return order


@governed
def stock(sku: str) -> int:
    """What is left."""
    return 0


def search(query: str) -> list[str]:
    """Find orders."""
    return helper(query)


def helper(query: str) -> list[str]:
    return [query]


tools = GovernedToolSet([search], agent_id="shop", names={"search": "orders/search"})
