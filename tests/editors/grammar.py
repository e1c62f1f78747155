"""The tree-sitter grammar, compiled from the committed parser with the machine's C compiler."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from binary import EDITORS
from tree_sitter import Language, Node

GRAMMAR = EDITORS / "tree-sitter-fpl"


def compiler() -> str | None:
    return next((name for name in (os.environ.get("CC"), "cc", "gcc", "clang") if name and shutil.which(name)), None)


def language() -> Language:
    """Compiles the parser and loads it."""
    library = Path(tempfile.mkdtemp(prefix="fm-grammar-")) / "fpl.so"
    command = [compiler(), "-std=c11", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-I", GRAMMAR / "src"]
    subprocess.run([*command, "-o", library, GRAMMAR / "src/parser.c"], check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.tree_sitter_fpl.restype = ctypes.c_void_p
    capsule = ctypes.pythonapi.PyCapsule_New
    capsule.restype = ctypes.py_object
    capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return Language(capsule(loaded.tree_sitter_fpl(), b"tree_sitter.Language", None))


def nodes(root: Node) -> Iterator[Node]:
    """A node and all below it."""
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(node.children))
