"""FARAMESH_AUTOLOAD with FAKE frameworks; the real ones are met in ``tests/sdk/frameworks``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import faramesh

SOURCE = Path(faramesh.__file__).parents[1]
PTH = Path(__file__).parents[1] / "faramesh-autoload.pth"


def run(folder: Path, autoload: str, code: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(folder), str(SOURCE)])
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, "FARAMESH_AUTOLOAD": autoload},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_unknown_framework_cannot_be_imported_when_strict(tmp_path: Path) -> None:
    (tmp_path / "smolagents.py").write_text("print('loaded')\n")
    strict = run(tmp_path, "strict", "import faramesh, smolagents")
    assert strict.returncode == 1
    assert "no adapter for the agent framework `smolagents`" in strict.stderr
    assert strict.stdout == ""
    late = run(tmp_path, "strict", "import smolagents, faramesh")
    assert "FARAMESH_AUTOLOAD=strict does not let it run" in late.stderr
    assert late.returncode == 1
    lenient = run(tmp_path, "1", "import faramesh, smolagents")
    assert (lenient.returncode, lenient.stdout) == (0, "loaded\n")
    assert "does NOT govern: no adapter for the agent framework `smolagents`" in lenient.stderr


def test_a_framework_that_has_changed_cannot_be_imported_when_strict(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "__init__.py").touch()
    (tmp_path / "agents" / "tool.py").write_text("class Renamed: pass\n")
    strict = run(tmp_path, "strict", "import faramesh, agents.tool")
    assert strict.returncode == 1
    assert "`agents.tool.FunctionTool` is not as expected" in strict.stderr
    assert run(tmp_path, "1", "import faramesh, agents.tool").returncode == 0


def test_nothing_is_patched_unless_asked(tmp_path: Path) -> None:
    (tmp_path / "smolagents.py").touch()
    for off in ("", "0"):
        quiet = run(tmp_path, off, "import faramesh, smolagents, sys; print(len(sys.meta_path))")
        assert quiet.returncode == 0
        assert quiet.stderr == ""
    wrong = run(tmp_path, "yes", "import faramesh")
    assert "FARAMESH_AUTOLOAD is 1 or strict, not `yes`" in wrong.stderr


def test_the_pth_file_lets_nothing_run_when_it_fails(tmp_path: Path) -> None:
    (line,) = PTH.read_text().splitlines()
    (tmp_path / "start.py").write_text(line + "\nprint('ran')\n")
    for autoload, ran in (("", True), ("0", True), ("1", True), ("yes", False)):
        done = run(tmp_path, autoload, "import start")
        assert ("ran" in done.stdout) == ran, done.stderr
        assert (done.returncode == 0) == ran
