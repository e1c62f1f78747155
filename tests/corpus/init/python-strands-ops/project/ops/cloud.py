from strands import tool


class Cloud:
    def __init__(self, profile: str) -> None:
        self.profile = profile

    @tool
    def list_instances(self, region: str) -> list[str]:
        """List what runs in a region."""
        return []

    @tool(name="stop_instance", description="Stop a machine")
    async def stop(self, instance_id: str, force: bool = False) -> str:
        return instance_id
