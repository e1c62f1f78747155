"""Where things are: the binary that is tested, the repository, the policies of the corpus."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
EDITORS = REPOSITORY / "editors"


def binary() -> Path:
    """FARAMESH_BIN, or what `cargo build` made."""
    if named := os.environ.get("FARAMESH_BIN"):
        return Path(named)
    target = os.environ.get("CARGO_TARGET_DIR") or Path.home() / ".cache/faramesh/target"
    return Path(target) / "debug/faramesh"


def corpus() -> list[Path]:
    """Every policy that parses."""
    folders = ("tests/corpus/fpl/valid", "tests/corpus/fpl/syntax", "examples")
    found = sorted(path for folder in folders for path in (REPOSITORY / folder).rglob("*.fms"))
    assert len(found) > 100, "the corpus is where it was"
    return found
