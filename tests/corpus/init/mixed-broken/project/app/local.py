def tool(function):
    """Marks a function as belonging to the workshop."""
    return function
