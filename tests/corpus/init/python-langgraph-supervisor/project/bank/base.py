from abc import ABC

from langchain_core.tools import BaseTool


class BankTool(BaseTool, ABC):
    """What every tool of the bank shares."""

    handle_tool_error: bool = True

    def run_sync(self, **arguments):
        return self._run(**arguments)
