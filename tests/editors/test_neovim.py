"""Neovim as a person has it: it opens a policy, shows the mistake, mends it, formats it, colours it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from binary import EDITORS, binary
from grammar import compiler

HERE = Path(__file__).parent

POLICY = """\
identity "local" {type="unix"}
agent "support-bot" {
    default   deny
  attest { uid = 1000 }
  rules { permit refund if note == "😀é" and amount = 5 }
}
"""

FORMATTED = """\
identity "local" { type = "unix" }
agent "support-bot" {
  default deny
  attest { uid = 1000 }
  rules { permit refund if note == "😀é" and amount == 5 }
}
"""


def neovim() -> tuple[str, tuple[int, int]]:
    """The command, and its version."""
    command = os.environ.get("FARAMESH_NVIM") or shutil.which("nvim")
    if not command or not Path(command).exists():
        pytest.skip("there is no Neovim here")
    said = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"v(\d+)\.(\d+)", said.stdout)
    if said.returncode != 0 or not version:
        pytest.skip(f"the Neovim `{command}` does not run here")
    return command, (int(version[1]), int(version[2]))


@pytest.mark.parametrize(("way", "needed"), [("plugin", (0, 8)), ("native", (0, 11))])
def test_a_policy_in_neovim(way: str, needed: tuple[int, int], tmp_path: Path) -> None:
    command, version = neovim()
    if version < needed:
        pytest.skip(f"Neovim {version} is too old for this, it takes {needed}")
    file = tmp_path / "governance.fms"
    file.write_text(POLICY)
    home = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    done = subprocess.run(
        [command, "--headless", "-u", "NONE", "--cmd", f"set rtp^={EDITORS}/nvim", "-l", HERE / "neovim.lua"]
        + [str(binary()), str(file), way],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **home},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads([line for line in done.stdout.splitlines() if line.startswith("{")][-1])
    assert found["filetype"] == "fpl" and found["commentstring"] == "# %s"
    assert found["code"] == "FPL0030" and found["marked"] == "="
    assert "and amount == 5" in found["mended"]
    assert "equal" in found["hover"]
    assert found["formatted"] == FORMATTED
    assert found["parser"] == (compiler() is not None)
    if found["parser"] and version >= (0, 9):
        captures = found["captures"]
        expected = {"agent": "keyword.type", "permit": "keyword.return", "refund": "function", "if": "keyword.conditional"}
        assert {word: captures.get(word) for word in expected} == expected
