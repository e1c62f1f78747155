from google.adk.tools import BaseTool, ToolContext
from google.genai import types


class ScanTool(BaseTool):
    def __init__(self) -> None:
        super().__init__(
            name="scan_shelf",
            description="Sends the robot to a shelf.",
        )

    def _get_declaration(self) -> types.FunctionDeclaration:
        return types.FunctionDeclaration(
            name=self.name,
            description=self.description,
            parameters=types.Schema(
                type=types.Type.OBJECT,
                properties={"shelf": types.Schema(type=types.Type.STRING)},
            ),
        )

    async def run_async(self, *, args: dict, tool_context: ToolContext) -> dict:
        return {"shelf": args["shelf"]}
