"""What the tests of the verifiers share: the command, the Python verifier, ledgers, and thousands of damaged bundles."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ["CARGO_TARGET_DIR"]) / "debug"
FARAMESH = os.environ.get("FARAMESH_BIN", str(TARGET / "faramesh"))
TAMPERS = 2400
SOURCE = ROOT / "docs" / "verify_folder.py"


@pytest.fixture(scope="session")
def verifier():
    """docs/verify_bundle.py as a module."""
    spec = importlib.util.spec_from_file_location("verify_bundle", ROOT / "docs" / "verify_bundle.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def tampers(tmp_path_factory):
    """Every bundle of the example `tampers` with what the Rust verifier said: (verdict, bytes)."""
    path = tmp_path_factory.mktemp("tampers") / "bundles"
    subprocess.run([TARGET / "examples" / "tampers", path, str(TAMPERS)], check=True)
    found = []
    with open(path, "rb") as file:
        while head := file.readline():
            told = json.loads(head)
            found.append((told, file.read(told["length"])))
    assert len(found) == TAMPERS + 3
    return found


@pytest.fixture(scope="session")
def ledger(tmp_path_factory):
    """Gives the folder of a signed ledger, made once: how many decisions, and perhaps `rotate`."""
    made = {}

    def make(*arguments):
        if arguments not in made:
            made[arguments] = tmp_path_factory.mktemp("ledger") / "wal"
            command = [TARGET / "examples" / "signed_ledger", made[arguments], *map(str, arguments)]
            subprocess.run(command, check=True)
        return made[arguments]

    return make


@pytest.fixture
def faramesh(tmp_path):
    """Runs the command in an empty folder."""

    def run(*arguments, exit=0):
        env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
        done = subprocess.run([FARAMESH, *map(str, arguments)], cwd=tmp_path, env=env, capture_output=True, timeout=120)
        assert done.returncode == exit, (arguments, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout

    return run


def place(told):
    """Where a verdict says that a bundle breaks: line, record, member; None when it is valid."""
    if told["valid"]:
        return None
    broken = told["broken"]
    return broken["line"], broken.get("seq"), broken["field"]


@pytest.fixture(scope="session")
def folders():
    """docs/verify_folder.py as a module."""
    sys.path.insert(0, str(SOURCE.parent))
    import verify_folder

    return verify_folder


@pytest.fixture
def both(faramesh):
    """Has both verifiers look at a folder; gives what they say when they agree that it is sound, or where it breaks."""

    def run(folder, *arguments):
        done = subprocess.run(
            [sys.executable, SOURCE, *map(str, arguments), folder], cwd="/", capture_output=True, text=True, timeout=120
        )
        python = json.loads(done.stdout)
        assert done.returncode == (0 if python["valid"] else 1), done.stderr
        arguments = ("audit", "verify", "--format", "json", "--ledger", folder, *arguments)
        rust = json.loads(faramesh(*arguments, exit=done.returncode))
        assert rust["valid"] == python["valid"]
        if rust["valid"]:
            assert (rust["records"], rust["signing"]["covered"]) == (python["records"], python["covered"])
            return rust
        places = [
            (broken["file"].rsplit("/")[-1], broken["seq"], broken["field"])
            for broken in (rust["broken"], python["broken"])
        ]
        assert places[0] == places[1]
        return places[0]

    return run
