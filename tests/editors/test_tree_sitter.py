"""The tree-sitter grammar: its own examples, the whole corpus, and the queries."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from binary import REPOSITORY, corpus
from grammar import GRAMMAR, compiler, language, nodes
from tree_sitter import Language, Parser, Query, QueryCursor

pytestmark = pytest.mark.skipif(compiler() is None, reason="there is no C compiler here")


@pytest.fixture(scope="module")
def fpl() -> Language:
    return language()


def examples() -> list[tuple[str, str, str]]:
    """Name, source and tree of each example, in the format of `tree-sitter test`."""
    found = []
    for path in sorted((GRAMMAR / "test/corpus").glob("*.txt")):
        parts = re.split(r"^={3,}\n(.+)\n={3,}\n", path.read_text(), flags=re.MULTILINE)
        for name, rest in zip(parts[1::2], parts[2::2], strict=True):
            source, tree = re.split(r"^---\n", rest, flags=re.MULTILINE)
            found.append((name, source.strip("\n") + "\n", tree))
    return found


def plain(tree: str) -> str:
    return re.sub(r"\s+", " ", tree).replace(" )", ")").strip()


@pytest.mark.parametrize(("name", "source", "expected"), examples(), ids=[name for name, _, _ in examples()])
def test_example(fpl: Language, name: str, source: str, expected: str) -> None:
    assert plain(str(Parser(fpl).parse(source.encode()).root_node)) == plain(expected)


@pytest.mark.parametrize("path", corpus(), ids=lambda path: path.stem)
def test_policy_parses(fpl: Language, path: Path) -> None:
    """Every policy that parses parses here, and into as many rules as the language's own formatter sees."""
    source = path.read_bytes()
    root = Parser(fpl).parse(source).root_node
    wrong = [node for node in nodes(root) if node.is_error or node.is_missing]
    assert not wrong, [(node.start_point, node.text) for node in wrong]
    # Nothing of the text is in no node, but for trivia.
    rules = sum(node.type == "rule" for node in nodes(root))
    words = re.sub(rb'"([^"\\\n]|\\.)*"|#[^\n]*', b"", source)
    effects = rb"(?<![\w/*.=\[-])(?:permit|allow|approve|deny!?|block|reject|defer)(?![\w/.=-])"
    assert rules <= len(re.findall(effects, words)), "no more rules than there are effects"


def test_the_parser_is_that_of_the_grammar() -> None:
    """`src/grammar.json` is generated; every rule of grammar.js is in it."""
    source = (GRAMMAR / "grammar.js").read_text()
    generated = (GRAMMAR / "src/grammar.json").read_text()
    for name in re.findall(r"^    (\w+): ", source.split("rules: {", 1)[1], flags=re.MULTILINE):
        assert f'"{name}": {{' in generated, f"`{name}` is new: run `tree-sitter generate --abi 14`"


@pytest.mark.parametrize("name", ["highlights", "folds", "indents", "injections", "locals", "tags"])
def test_query_compiles(fpl: Language, name: str) -> None:
    assert Query(fpl, (GRAMMAR / f"queries/{name}.scm").read_text()).capture_count


SAMPLE = b"""\
# who may refund
import "github.com/x/policies/stripe@1.3.0" as stripe
var limit = $500
agent "support-bot" {
  default deny
  use stripe
  budget daily { max $1000 on_exceed defer }
  rules {
    deny! shell/*
    permit refund if amount < limit and has(card.number) and path matches "^a\\\\.b$" reason "small"
  }
}
"""

EXPECTED = {
    b"# who may refund": "comment",
    b"import": "keyword.import",
    b"limit": "constant",
    b"$500": "number",
    b"agent": "keyword.type",
    b'"support-bot"': "type",
    b"default": "keyword",
    b"deny": "keyword.return",
    b"budget": "keyword.type",
    b"daily": "type",
    b"on_exceed": "property",
    b"rules": "keyword",
    b"deny!": "keyword.exception",
    b"shell/*": "function",
    b"permit": "keyword.return",
    b"refund": "function",
    b"if": "keyword.conditional",
    b"amount": "variable",
    b"<": "operator",
    b"and": "keyword.operator",
    b"has": "function.builtin",
    b"number": "property",
    b"path": "variable.builtin",
    b"matches": "keyword.operator",
    b"reason": "keyword",
    b'"small"': "string",
    b"\\\\": "string.escape",
}


def test_highlights_are_as_expected(fpl: Language) -> None:
    """Of the captures of a node the last pattern counts, as editors have it."""
    root = Parser(fpl).parse(SAMPLE).root_node
    query = Query(fpl, (GRAMMAR / "queries/highlights.scm").read_text())
    colours: dict[tuple[int, int], tuple[int, str]] = {}
    for pattern, captures in QueryCursor(query).matches(root):
        for name, found in captures.items():
            for node in found:
                place = (node.start_byte, node.end_byte)
                colours[place] = max(colours.get(place, (-1, "")), (pattern, name))
    first: dict[bytes, str] = {}
    for (start, end), (_, name) in sorted(colours.items()):
        first.setdefault(SAMPLE[start:end], name)
    assert {text: first.get(text) for text in EXPECTED} == EXPECTED


def test_every_word_of_the_grammar_has_a_colour(fpl: Language) -> None:
    query = (GRAMMAR / "queries/highlights.scm").read_text()
    grammar = (GRAMMAR / "grammar.js").read_text()
    words = set(re.findall(r"(?<=seq\()'([a-z_]+)'|(?<=, )'([a-z_]+)'(?=[,)])", grammar.split("rules: {")[1]))
    for word in {one or other for one, other in words} - {"if", "when", "true", "false", "null"}:
        assert f'"{word}"' in query or word in ("allow", "deny", "block", "query", "header", "burst", "scope"), word


def test_the_queries_of_neovim_are_these() -> None:
    assert (REPOSITORY / "editors/nvim/queries/fpl").resolve() == (GRAMMAR / "queries").resolve()
