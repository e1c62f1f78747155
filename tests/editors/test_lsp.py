"""The language server as an editor sees it: positions, diagnostics, and everything that is asked."""

from __future__ import annotations

import asyncio
import subprocess
import time

import pytest
from binary import binary, corpus
from lsprotocol import types

POLICY = """\
var limit = 500
var region = env("FARAMESH_TEST_REGION", "us")
identity "local" { type = "unix" }
# 😀 wide characters before what is looked at
agent "support-bot" {
  default deny
  attest { uid = 1000 }
  rules {
    permit stripe/refund if amount < limit and note == "😀" and area == region
    deny stripe/refund reason "é€😀"
  }
}
"""


def codes(diagnostics) -> list[str]:
    return [found.code for found in diagnostics]


async def test_what_is_offered(make) -> None:
    offered = make.result.capabilities
    assert offered.text_document_sync.change == types.TextDocumentSyncKind.Incremental
    assert offered.document_formatting_provider and offered.definition_provider and offered.hover_provider
    assert make.result.server_info.name == "faramesh"


async def test_a_valid_policy_has_no_diagnostics(make) -> None:
    assert list(await make(POLICY).open()) == []


async def test_diagnostics_follow_the_typing(make) -> None:
    document = make(POLICY)
    await document.open()
    # A mistake after wide characters on the same line.
    found = await document.replace('note == "😀" and area == region', 'note == "😀" and area = region')
    assert codes(found) == ["FPL0030"]
    assert document.slice(found[0].range) == "="
    assert found[0].severity == types.DiagnosticSeverity.Error and found[0].source == "faramesh"
    assert "help: " in found[0].message
    # Taken back, and another one below, where an emoji stands in the line too.
    assert list(await document.replace("area = region", "area == region")) == []
    found = await document.replace('reason "é€😀"', 'reason "é€😀" resaon "b"')
    assert document.slice(found[0].range) == "resaon"


async def test_further_places_are_shown(make) -> None:
    document = make(POLICY.replace("default deny", "default deny\n  var x = 1\n  var x = 2"))
    found = await document.open()
    assert codes(found) == ["FPL0122"]
    [place] = found[0].related_information
    assert document.slice(place.location.range) == "x" and place.message == "the first one"


async def test_what_is_not_enforced_is_an_error_as_in_check(make) -> None:
    document = make(POLICY.replace("default deny", "default deny\n  credential \"stripe\" { }"))
    assert codes(await document.open()) == ["FPL0110"]


async def test_closing_forgets(make) -> None:
    document = make("permit refund if amount = 5\n")
    assert await document.open()
    params = types.DidCloseTextDocumentParams(document.identifier)
    document.client.text_document_did_close(params)
    async with asyncio.timeout(10):
        while document.client.diagnostics[document.uri]:
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("needle", "plus", "word", "expected"),
    [
        ("default", 2, "default", "no rule matches"),
        ("permit", 0, "permit", "the call runs"),
        ("< limit", 3, "limit", "var limit = 500"),
        ("== region", 5, "region", '`"eu-central"`'),
        ("stripe/refund", 3, "stripe/refund", "the tool `stripe/refund`"),
        ("attest", 1, "attest", "what proves that a caller is the agent"),
        ('note == "😀" and', 12, "and", "both hold"),
    ],
)
async def test_hover(make, needle, plus, word, expected) -> None:
    document = make(POLICY)
    await document.open()
    hover = await document.hover(document.at(needle, plus))
    assert expected in hover.contents.value
    assert document.slice(hover.range) == word


async def test_completion_replaces_what_is_typed(make) -> None:
    document = make(POLICY)
    await document.open()
    await document.replace('note == "😀" and area == region', 'note == "😀" and reg')
    items = await document.complete(document.at('note == "😀" and reg', len('note == "😀" and reg')))
    [item] = [item for item in items if item.label == "region"]
    assert await document.apply([item.text_edit]) is not None
    assert 'note == "😀" and region' in document.text


async def test_completion_in_a_file_that_does_not_parse(make) -> None:
    document = make('agent "a" {\n  rules {\n    permit stripe/refund\n    deny ')
    await document.open()
    labels = [item.label for item in await document.complete(document.position(len(document.text)))]
    assert "stripe/refund" in labels
    hover = await document.hover(document.at("permit", 1))
    assert "the call runs" in hover.contents.value


async def test_definition(make) -> None:
    document = make(
        'import "github.com/faramesh/faramesh-registry/policies/stripe@1.3.0" as stripe\n'
        'var 😀 = 1\nvar limit = 5\n'
        'agent "b" { default deny }\n'
        'agent "a" { default deny use stripe spawn { allow = ["b"] } permit x if y == "😀" and z < limit }\n'
    )
    await document.open()
    for needle, plus, expected in [
        ("< limit", 3, "limit"),
        ("use stripe", 5, "stripe"),
        ('["b"]', 2, '"b"'),
    ]:
        found = await document.definition(document.at(needle, plus))
        assert found.uri == document.uri and document.slice(found.range) == expected, needle
        assert document.offset(found.range.start) < document.text.index(needle), needle


async def test_the_definition_of_an_import_is_its_file(make, tmp_path) -> None:
    address = "github.com/faramesh/faramesh-registry/policies/stripe@1.3.0"
    stack = tmp_path / "stack with é"
    pack = stack / ".faramesh/catalog" / address / "pack.fms"
    pack.parent.mkdir(parents=True)
    pack.write_text("permit stripe/charge\n")
    document = make(f'import "{address}" as stripe\nimport "../../../../../../etc/x@1.0.0" as other\n')
    document.uri = (stack / "governance.fms").as_uri()
    document.identifier = types.TextDocumentIdentifier(document.uri)
    await document.open()
    found = await document.definition(document.at(address, 3))
    assert found.uri.replace("%40", "@") == pack.as_uri().replace("%40", "@")
    assert await document.definition(document.at("etc/x")) is None, "nothing outside of the catalog"


async def test_references_and_rename(make) -> None:
    document = make('permit "😀" if a < limit and b == "😀" and c > limit\nvar limit = 5\n')
    await document.open()
    position = document.at("var limit", 5)
    params = types.ReferenceParams(
        context=types.ReferenceContext(include_declaration=True),
        text_document=document.identifier,
        position=position,
    )
    found = await document.client.text_document_references_async(params)
    assert [document.slice(one.range) for one in found] == ["limit"] * 3
    params = types.RenameParams(document.identifier, position, "most")
    edit = await document.client.text_document_rename_async(params)
    await document.apply(edit.changes[document.uri])
    assert document.text == 'permit "😀" if a < most and b == "😀" and c > most\nvar most = 5\n'


async def test_symbols_of_the_whole_corpus(make) -> None:
    for path in corpus():
        document = make(path.read_bytes().decode())
        await document.open()
        params = types.DocumentSymbolParams(document.identifier)
        pending = list(await document.client.text_document_document_symbol_async(params) or [])
        while pending:
            symbol = pending.pop()
            assert symbol.name.strip(), path
            inner, outer = symbol.selection_range, symbol.range
            assert before(outer.start, inner.start) and before(inner.end, outer.end), (path, symbol.name)
            pending.extend(symbol.children or [])


def before(left: types.Position, right: types.Position) -> bool:
    return (left.line, left.character) <= (right.line, right.character)


async def test_formatting_is_that_of_fmt(make) -> None:
    for path in corpus():
        document = make(path.read_bytes().decode())
        await document.open()
        await document.apply(await document.format())
        expected = subprocess.run([binary(), "fmt", "-"], input=path.read_bytes(), capture_output=True, check=True)
        # The command ends its output with a line break even when there is nothing else.
        assert document.text == expected.stdout.decode().removeprefix("\n"), path
        assert await document.format() == [], "once is enough"


async def test_a_broken_file_is_not_formatted(make) -> None:
    document = make("permit  refund  if\n")
    await document.open()
    assert await document.format() == []


# Ten mistakes that people make, each with a text that must be there once the action is applied.
MISTAKES = [
    ("permit refund if amount = 5", "permit refund if amount == 5"),
    ("permt refund", "permit refund"),
    ("permit refund if amount === 5", "permit refund if amount == 5"),
    ("permit refund amount < 5", "permit refund if amount < 5"),
    ("permit refund if note == “😀 wide”", 'permit refund if note == "😀 wide"'),
    ('permit refund if note == "😀" resaon "x"', 'permit refund if note == "😀" reason "x"'),
    ("runtime { mode: audit }", "runtime { mode = audit }"),
    ("runtime { modee = \"audit\" }", 'runtime { mode = "audit" }'),
    ("permit refund // 😀", "permit refund # 😀"),
    ('permit refund if amount < "5"', "permit refund if amount < 5"),
    ("runtime { approval_ttl = 10min }", "runtime { approval_ttl = 10m }"),
    ("permit refund if 😀\n", None),
]


@pytest.mark.parametrize(("wrong", "right"), MISTAKES)
async def test_an_action_mends_the_mistake(make, wrong, right) -> None:
    document = make(f"# 😀\n{wrong}\n")
    found = await document.open()
    assert found, "the mistake is found"
    everything = types.Range(document.position(0), document.position(len(document.text)))
    actions = await document.actions(everything)
    if right is None:
        return
    [action] = [action for action in actions if action.kind == types.CodeActionKind.QuickFix][:1]
    assert action.diagnostics[0].code in codes(found)
    await document.apply(action.edit.changes[document.uri])
    assert document.text == f"# 😀\n{right}\n"


async def test_a_large_file_is_quick(make) -> None:
    """A thousand rules: a keystroke is answered, and its diagnostics come. Generous, for a busy machine."""
    rules = "\n".join(f'    permit tool_{n}/run if amount < {n} and note == "é"' for n in range(1_000))
    document = make(f'agent "a" {{\n  default deny\n  rules {{\n{rules}\n  }}\n}}\n')
    await document.open()
    times = []
    for n in range(10):
        started = time.perf_counter()
        await document.replace(f"amount < {n} ", f"amount < {n}1 ")
        items = await document.complete(document.at(f"amount < {n}1 ", 9))
        times.append(time.perf_counter() - started)
        assert items
    assert sorted(times)[5] < 2, times


async def test_nonsense_is_survived(make) -> None:
    document = make("permit refund\n")
    await document.open()
    far = types.Position(2_000_000_000, 2_000_000_000)
    assert await document.hover(far) is None
    await document.complete(far)
    with pytest.raises(Exception, match="only a variable"):
        params = types.RenameParams(document.identifier, document.at("refund"), "x")
        await document.client.text_document_rename_async(params)
    with pytest.raises(Exception, match="not offered"):
        params = types.ImplementationParams(document.identifier, far)
        await document.client.text_document_implementation_async(params)
    # Still there.
    assert "the call runs" in (await document.hover(document.at("permit"))).contents.value
