import subprocess


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout


def run_tests(path: str = ".") -> str:
    """Run the tests."""
    return _run("pytest", path)


def git_commit(message: str) -> str:
    """Commit what was changed."""
    return _run("git", "commit", "-m", message)
