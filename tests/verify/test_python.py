"""The Python verifier agrees with the Rust one about every bundle, whole or damaged."""

import io
import pathlib
import subprocess
import sys

import pytest
from conftest import ROOT, place

VECTORS = ROOT / "crates" / "verify" / "tests" / "vectors"


def judge(verifier, data):
    try:
        verifier.verify(io.BytesIO(data))
    except verifier.Broken as broken:
        return broken.line, broken.seq, broken.field
    return None


def test_both_name_the_same_record(verifier, tampers):
    whole = [told for told, data in tampers if told["valid"]]
    assert [told["name"] for told in whole] == ["whole: complete", "whole: picked", "whole: archived"]
    differ = []
    for told, data in tampers:
        rust, python = place(told), judge(verifier, data)
        # Which member of a record that is none is named first is a matter of reading order.
        is_no_record = rust and told["broken"]["found"].startswith("not a record")
        if (rust[:2] != (python or ())[:2]) if is_no_record else (rust != python):
            differ.append((told["name"], rust, python))
    assert not differ, differ[:10]


def test_it_reads_the_notes_of_every_algorithm(verifier):
    for path in sorted(VECTORS.glob("*.note")):
        key = verifier.Key(path.with_suffix(".vkey").read_text().strip())
        note = verifier.Note(path.read_text(), None)
        note.must_be_signed_by(key)
        note.text = note.text.replace("epoch", "Epoch")
        with pytest.raises(verifier.Broken):
            note.must_be_signed_by(key)


def test_numbers_have_one_form(verifier):
    for text in "0 1 -1 10 0.5 -12.75 1e-7 1.5e-7 1e+21 100000000000000000000 9007199254740993 0.000001".split():
        assert verifier.Number(text) == text
    for text in "-0 1.0 01.5 1e2 1E+21 0.10 1e-6 10e+21 0e1".split():
        with pytest.raises(ValueError):
            verifier.Number(text)


def test_it_is_short_and_stands_alone(tmp_path, tampers):
    source = ROOT / "docs" / "verify_bundle.py"
    assert len(source.read_text().splitlines()) < 300
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(tampers[0][1])
    bad.write_bytes(tampers[0][1].replace(b"support", b"Support", 1))
    run = lambda *paths: subprocess.run([sys.executable, source, *paths], cwd="/", capture_output=True, text=True)
    assert run(good).returncode == 0
    done = run(good, bad)
    assert done.returncode == 1 and '"field": "hash"' in done.stdout, done
    assert pathlib.Path(source).stat().st_mode & 0o111
