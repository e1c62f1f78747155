def search(term: str, depth: int) -> str:
    """Another function of the same name."""
    return search_web(term)


def search_web(term: str) -> str:
    return term
