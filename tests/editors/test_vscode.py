"""The VS Code extension: that it packages, and that its colours are right, by VS Code's own engine."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from binary import EDITORS, REPOSITORY, corpus

EXTENSION = EDITORS / "vscode"
GRAMMAR = EXTENSION / "syntaxes/fpl.tmLanguage.json"
TOOLS = Path(__file__).parent / "node"


def run(*command: object, folder: Path | None = None) -> str:
    done = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tools() -> Path:
    """vsce and the engine of colours, installed at most once for this state of package.json."""
    if not shutil.which("npm"):
        pytest.skip("there is no npm here")
    cache = Path(os.environ.get("FARAMESH_CACHE") or Path.home() / ".cache/faramesh") / "node"
    wanted = (TOOLS / "package.json").read_bytes()
    ready = cache / hashlib.sha256(wanted).hexdigest()[:16]
    if not ready.is_dir():
        making = cache / f"{ready.name}.{os.getpid()}"
        making.mkdir(parents=True)
        (making / "package.json").write_bytes(wanted)
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--omit=optional"]
        done = subprocess.run(command, cwd=making, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            shutil.rmtree(making)
            pytest.skip(f"npm cannot install the tools here: {done.stderr.strip().splitlines()[-1:]}")
        try:
            making.rename(ready)
        except OSError:
            shutil.rmtree(making)
    return ready


def test_what_package_json_names_is_there() -> None:
    package = json.loads((EXTENSION / "package.json").read_text())
    named = [package["main"]]
    named += [language["configuration"] for language in package["contributes"]["languages"]]
    named += [grammar["path"] for grammar in package["contributes"]["grammars"]]
    for name in named:
        assert (EXTENSION / name).is_file(), name
    for path in EXTENSION.glob("*.json"):
        json.loads(path.read_text())
    source = (EXTENSION / package["main"]).read_text()
    for command in package["contributes"]["commands"]:
        assert f"'{command['command']}'" in source, command
    for setting in re.findall(r"settings\.get\('(\w+)'", source):
        assert f"faramesh.{setting}" in package["contributes"]["configuration"]["properties"], setting


def test_it_packages(tools: Path, tmp_path: Path) -> None:
    folder = tmp_path / "extension"
    # As in a fresh checkout; the licence is a link there.
    shutil.copytree(EXTENSION, folder, ignore=shutil.ignore_patterns("node_modules", "*.vsix"))
    run("npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--ignore-scripts", folder=folder)
    run("node", "--check", folder / "src/extension.js")
    package = tmp_path / "faramesh.vsix"
    run("node", tools / "node_modules/@vscode/vsce/vsce", "package", "--out", package, folder=folder)
    with zipfile.ZipFile(package) as opened:
        names = set(opened.namelist())
        manifest = json.loads(opened.read("extension/package.json"))
    assert manifest["name"] == "faramesh"
    for name in (
        "package.json",
        "readme.md",
        "LICENSE.txt",
        "language-configuration.json",
        "src/extension.js",
        "syntaxes/fpl.tmLanguage.json",
        "node_modules/vscode-languageclient/package.json",
    ):
        assert f"extension/{name}" in names, sorted(name for name in names if "node_modules" not in name)


def scopes(tools: Path, *files: Path) -> dict[str, list[list[tuple[str, list[str]]]]]:
    return json.loads(run("node", TOOLS / "tokens.cjs", tools, GRAMMAR, *files))


SAMPLE = """\
# who may refund
import "github.com/x/policies/stripe@1.3.0" as stripe
var limit = $500
agent "support-bot" {
  default deny
  budget daily { max $1000 on_exceed defer }
  rules {
    deny! shell/*
    permit refund if amount < limit and has(card.number) and path matches "^a\\\\.b$" reason "small"
    permit http/get host "*.example.com" port 443
  }
  egress { allow = ["a.example.com"] }
}
"""

EXPECTED = {
    "# who may refund": "comment.line.number-sign.fpl",
    "import": "keyword.control.import.fpl",
    "stripe": "entity.name.namespace.fpl",
    "limit": "variable.other.constant.fpl",
    "$500": "constant.numeric.fpl",
    "agent": "storage.type.block.fpl",
    "default": "keyword.other.fpl",
    "deny": "keyword.control.effect.fpl",
    "deny!": "keyword.control.effect.mandatory.fpl",
    "shell/*": "entity.name.function.tool.fpl",
    "permit": "keyword.control.effect.fpl",
    "refund": "entity.name.function.tool.fpl",
    "if": "keyword.control.conditional.fpl",
    "amount": "variable.other.fpl",
    "<": "keyword.operator.fpl",
    "and": "keyword.operator.word.fpl",
    "has": "support.function.fpl",
    "path": "variable.language.fpl",
    "matches": "keyword.operator.word.fpl",
    "\\\\": "constant.character.escape.fpl",
    "reason": "keyword.other.clause.fpl",
    "host": "keyword.other.clause.fpl",
    "port": "keyword.other.clause.fpl",
    "443": "constant.numeric.fpl",
    "allow": "variable.other.property.fpl",
}


def test_colours_are_as_expected(tools: Path, tmp_path: Path) -> None:
    path = tmp_path / "sample.fms"
    path.write_text(SAMPLE)
    first: dict[str, str] = {}
    for line in scopes(tools, path)[str(path)]:
        for text, found in line:
            first.setdefault(text.strip(), found[-1] if found else "")
    assert {text: first.get(text) for text in EXPECTED} == EXPECTED


def test_nothing_of_the_corpus_looks_wrong(tools: Path) -> None:
    """No policy leaves a string open or shows something as illegal, and comments are comments."""
    for path, lines in scopes(tools, *corpus()).items():
        for line in lines:
            for text, found in line:
                assert not any(scope.startswith("invalid") for scope in found), (path, text)
                if text.lstrip().startswith("#") and not any("string" in scope for scope in found):
                    assert found == ["comment.line.number-sign.fpl"], (path, text)


def test_the_licence_is_that_of_the_repository() -> None:
    assert (EXTENSION / "LICENSE").read_bytes() == (REPOSITORY / "LICENSE").read_bytes()
