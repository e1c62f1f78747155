from fastmcp import FastMCP
from fastmcp.tools import Tool

ops = FastMCP(name="ops")
main = FastMCP("main")


@ops.tool
def restart_service(name: str) -> str:
    """Restart a service."""
    return name


def check() -> str:
    """Whether all is well."""
    return "ok"


main.add_tool(Tool.from_function(check, name="health"))
main.mount(ops, prefix="ops")

if __name__ == "__main__":
    main.run(transport="http", port=9000)
