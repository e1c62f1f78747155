"""The fixtures: a real `faramesh lsp`, spoken to as VS Code, as Neovim, and with each position encoding."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from binary import binary
from editor import Document
from lsprotocol import types
from pytest_lsp import LanguageClient, client_capabilities

# Read by the policies of the tests.
os.environ["FARAMESH_TEST_REGION"] = "eu-central"


def pytest_sessionstart(session: pytest.Session) -> None:
    if not binary().is_file():
        pytest.exit(f"no faramesh at `{binary()}`: run `cargo build -p faramesh-cli`", 2)


async def started(capabilities: types.ClientCapabilities) -> tuple[LanguageClient, types.InitializeResult]:
    client = LanguageClient()
    client.versions = {}

    @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def published(params: types.PublishDiagnosticsParams) -> None:
        client.diagnostics[params.uri] = params.diagnostics
        client.versions[params.uri] = params.version

    await client.start_io(str(binary()), "lsp", "--stdio")
    params = types.InitializeParams(capabilities=capabilities, root_uri=None)
    return client, await client.initialize_session(params)


def with_encoding(name: str, encoding: types.PositionEncodingKind) -> types.ClientCapabilities:
    capabilities = client_capabilities(name)
    capabilities.general = capabilities.general or types.GeneralClientCapabilities()
    capabilities.general.position_encodings = [encoding]
    return capabilities


CLIENTS = {
    "vscode, utf-16": lambda: with_encoding("visual-studio-code", types.PositionEncodingKind.Utf16),
    "neovim, utf-8": lambda: with_encoding("neovim", types.PositionEncodingKind.Utf8),
}


@pytest_asyncio.fixture(params=list(CLIENTS))
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Callable[[str], Document]]:
    """Makes documents, not yet open, at a server of their own."""
    client, result = await started(CLIENTS[request.param]())
    encoding = result.capabilities.position_encoding
    count = 0

    def document(text: str) -> Document:
        nonlocal count
        count += 1
        return Document(client, f"file:///stack-{count}/governance.fms", text, encoding)

    document.client, document.result = client, result
    yield document
    await client.shutdown_session()
    assert client._server.returncode == 0, "the server ends well"
    await client.stop()
