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


def test_a_refused_framework_is_refused_again_when_it_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "__init__.py").touch()
    (tmp_path / "agents" / "tool.py").write_text("class Renamed: pass\n")
    (tmp_path / "smolagents.py").touch()
    for name in ("agents.tool", "smolagents"):
        # As programs do with packages that they can go without.
        tries = f"""
import importlib, faramesh
for _ in range(3):
    try:
        importlib.import_module("{name}")
        print("loaded")
    except ImportError as problem:
        print(type(problem).__name__)
"""
        assert run(tmp_path, "strict", tries).stdout == "AutoloadError\n" * 3


def test_a_framework_whose_tools_moved_cannot_be_imported_when_strict(tmp_path: Path) -> None:
    moved = tmp_path / "ag2" / "tools"
    moved.mkdir(parents=True)
    (moved.parent / "__init__.py").write_text("print('loaded')\n")
    (moved / "__init__.py").write_text("raise AssertionError('looked for, not imported')\n")
    for code in ("import faramesh, ag2", "import ag2, faramesh"):
        strict = run(tmp_path, "strict", code)
        assert strict.returncode == 1
        assert "`ag2` is here and `ag2.tools.final.function_tool`" in strict.stderr
        lenient = run(tmp_path, "1", code)
        assert (lenient.returncode, lenient.stdout) == (0, "loaded\n")
        assert "does NOT govern: `ag2` is here" in lenient.stderr
    for module in ("final/function_tool.py", "toolkits/mcp_server/toolkit.py"):
        (moved / module).parent.mkdir(parents=True)
        (moved / module).touch()
    assert run(tmp_path, "strict", "import faramesh, ag2").returncode == 0


def test_a_package_of_ones_own_called_agents_is_no_framework(tmp_path: Path) -> None:
    (tmp_path / "agents.py").write_text("print('mine')\n")
    for code in ("import faramesh, agents", "import agents, faramesh"):
        own = run(tmp_path, "strict", code)
        assert (own.returncode, own.stdout, own.stderr) == (0, "mine\n", "")
    installed = tmp_path / "openai_agents-99.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: openai-agents\nVersion: 99\n")
    assert "`agents` is here" in run(tmp_path, "strict", "import faramesh, agents").stderr


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
