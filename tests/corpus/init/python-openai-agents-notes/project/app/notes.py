import agents


class Notebook:
    def __init__(self) -> None:
        self.notes: dict[str, str] = {}

    def sync(self) -> None:
        """Write to disk."""

    def tools(self) -> list[agents.Tool]:
        @agents.function_tool
        def add_note(title: str, body: str) -> str:
            """Write a note."""
            self.notes[title] = body
            return title

        @agents.function_tool(name_override="list_notes")
        def listing() -> list[str]:
            """The titles of all notes."""
            return list(self.notes)

        def remove(note_id: str) -> None:
            """Throw a note away."""
            del self.notes[note_id]

        return [add_note, listing, agents.function_tool(remove, name_override="delete_note")]


agent = agents.Agent(name="notes", tools=Notebook().tools())
