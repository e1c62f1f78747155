from llama_index.core.tools.tool_spec.base import BaseToolSpec


class CrmToolSpec(BaseToolSpec):
    """The customers."""

    spec_functions = ["find_contact", "update_contact"]

    def __init__(self, url: str) -> None:
        self.url = url

    def connect(self) -> None:
        pass

    def find_contact(self, name: str) -> dict:
        """Find a person."""
        return {}

    def update_contact(self, contact_id: str, phone: str) -> dict:
        """Change what is known of a person."""
        return {}
