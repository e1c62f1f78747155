"""Where the daemon is looked for, and in which order."""

from __future__ import annotations

from pathlib import Path

import pytest

from faramesh import UnixSocketTransport
from faramesh.settings import find_socket, timeout_seconds


def write_agent_env(folder: Path, text: str) -> Path:
    file = folder / ".faramesh" / "runtime" / "agent.env"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return file


def test_the_first_that_names_a_socket_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "home" / ".faramesh" / "runtime" / "faramesh.sock"
    assert find_socket().path == str(home)

    write_agent_env(tmp_path, "FARAMESH_SOCKET=/run/from-parent.sock\n")
    assert find_socket().path == "/run/from-parent.sock"

    file = write_agent_env(tmp_path / "work", "FARAMESH_SOCKET=/run/from-folder.sock\n")
    assert find_socket().path == "/run/from-folder.sock"
    assert find_socket().source == str(file)

    monkeypatch.setenv("FARAMESH_SOCKET", "/run/from-variable.sock")
    assert find_socket().path == "/run/from-variable.sock"

    assert find_socket("~/explicit.sock").path == str(tmp_path / "home" / "explicit.sock")
    assert UnixSocketTransport("/a.sock").address.path == "/a.sock"


@pytest.mark.parametrize(
    "text",
    [
        'FARAMESH_SOCKET="/run/it.sock"',
        "# comment\n\nexport FARAMESH_SOCKET='/run/it.sock'",
        "OTHER=1\n FARAMESH_SOCKET = /run/it.sock \n",
    ],
)
def test_spellings_of_agent_env(tmp_path: Path, text: str) -> None:
    write_agent_env(tmp_path, text)
    assert find_socket().path == "/run/it.sock"


def test_a_relative_socket_is_relative_to_the_project(tmp_path: Path) -> None:
    write_agent_env(tmp_path, "FARAMESH_SOCKET=.faramesh/runtime/a.sock")
    assert find_socket().path == str(tmp_path / ".faramesh/runtime/a.sock")


def test_an_env_file_that_others_can_write_is_not_trusted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = write_agent_env(tmp_path, "FARAMESH_SOCKET=/run/evil.sock")
    file.chmod(0o666)
    assert find_socket().path.endswith("home/.faramesh/runtime/faramesh.sock")
    assert "another user can write it" in caplog.text


def test_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert timeout_seconds() == 5
    monkeypatch.setenv("FARAMESH_TIMEOUT_MS", "250")
    assert timeout_seconds() == 0.25
    assert timeout_seconds(2) == 2
    for wrong in ("0", "-1", "1.5", "soon"):
        monkeypatch.setenv("FARAMESH_TIMEOUT_MS", wrong)
        with pytest.raises(ValueError, match="FARAMESH_TIMEOUT_MS"):
            timeout_seconds()
    with pytest.raises(ValueError, match="timeout"):
        timeout_seconds(0)
