"""An editor for tests: a client that keeps the text of its documents and edits them as a person would."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from lsprotocol import types
from pytest_lsp import LanguageClient

ENCODINGS = {types.PositionEncodingKind.Utf8: "utf-8", types.PositionEncodingKind.Utf16: "utf-16-le"}


class Document:
    """One open document, mirrored."""

    def __init__(self, client: LanguageClient, uri: str, text: str, encoding: types.PositionEncodingKind | str):
        self.client = client
        self.uri = uri
        self.text = text
        self.version = 1
        self.encoding = ENCODINGS[types.PositionEncodingKind(encoding)]
        self.identifier = types.TextDocumentIdentifier(uri)

    # Positions, by the standard library's own encoder.

    def position(self, offset: int) -> types.Position:
        before = self.text[:offset]
        line = before.count("\n")
        units = len(before[before.rfind("\n") + 1 :].encode(self.encoding))
        return types.Position(line, units // (2 if self.encoding == "utf-16-le" else 1))

    def offset(self, position: types.Position) -> int:
        start = 0
        for _ in range(position.line):
            start = self.text.index("\n", start) + 1
        width = 2 if self.encoding == "utf-16-le" else 1
        line = self.text[start:].split("\n", 1)[0].encode(self.encoding)
        return start + len(line[: position.character * width].decode(self.encoding))

    def slice(self, found: types.Range) -> str:
        return self.text[self.offset(found.start) : self.offset(found.end)]

    def at(self, needle: str, plus: int = 0) -> types.Position:
        """The position of the first `needle`, and `plus` characters on."""
        return self.position(self.text.index(needle) + plus)

    # What a person does.

    async def open(self) -> Sequence[types.Diagnostic]:
        item = types.TextDocumentItem(self.uri, "fpl", self.version, self.text)
        return await self._published(
            lambda: self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        )

    async def replace(self, old: str, new: str) -> Sequence[types.Diagnostic]:
        """Replaces the first `old`, as an incremental change."""
        start = self.text.index(old)
        span = types.Range(self.position(start), self.position(start + len(old)))
        self.text = self.text[:start] + new + self.text[start + len(old) :]
        return await self._change(types.TextDocumentContentChangePartial(range=span, text=new))

    async def rewrite(self, text: str) -> Sequence[types.Diagnostic]:
        self.text = text
        return await self._change(types.TextDocumentContentChangeWholeDocument(text))

    async def apply(self, edits: Sequence[types.TextEdit]) -> Sequence[types.Diagnostic]:
        """Applies edits that belong to the text as it is."""
        text = self.text
        for edit in sorted(edits, key=lambda edit: (edit.range.start.line, edit.range.start.character), reverse=True):
            text = text[: self.offset(edit.range.start)] + edit.new_text + text[self.offset(edit.range.end) :]
        return await self.rewrite(text)

    async def _change(self, change: types.TextDocumentContentChangeEvent) -> Sequence[types.Diagnostic]:
        self.version += 1
        identifier = types.VersionedTextDocumentIdentifier(self.version, self.uri)
        params = types.DidChangeTextDocumentParams(identifier, [change])
        return await self._published(lambda: self.client.text_document_did_change(params))

    async def _published(self, act) -> Sequence[types.Diagnostic]:
        """The diagnostics of this version, once they are there."""
        act()
        async with asyncio.timeout(20):
            while self.client.versions.get(self.uri) != self.version:
                await asyncio.sleep(0.005)
        return self.client.diagnostics[self.uri]

    # What an editor asks.

    async def hover(self, position: types.Position) -> types.Hover | None:
        return await self.client.text_document_hover_async(types.HoverParams(self.identifier, position))

    async def complete(self, position: types.Position) -> list[types.CompletionItem]:
        params = types.CompletionParams(self.identifier, position)
        found = await self.client.text_document_completion_async(params)
        return found.items if isinstance(found, types.CompletionList) else list(found or [])

    async def definition(self, position: types.Position) -> types.Location | None:
        params = types.DefinitionParams(self.identifier, position)
        found = await self.client.text_document_definition_async(params)
        return found[0] if isinstance(found, list) else found

    async def actions(self, span: types.Range) -> list[types.CodeAction]:
        context = types.CodeActionContext(diagnostics=[])
        params = types.CodeActionParams(self.identifier, span, context)
        return list(await self.client.text_document_code_action_async(params) or [])

    async def format(self) -> list[types.TextEdit]:
        options = types.FormattingOptions(tab_size=2, insert_spaces=True)
        params = types.DocumentFormattingParams(self.identifier, options)
        return list(await self.client.text_document_formatting_async(params) or [])
