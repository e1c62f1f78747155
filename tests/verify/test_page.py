"""The page in a real browser agrees with the command: from a static server, from a file, and without a network."""

import base64
import functools
import http.server
import subprocess
import threading

import pytest
from browser import CHROMIUM, Browser
from conftest import ROOT, place

# Damaged bundles that the browser looks at too.
CHOSEN, EVALUATED = 5, 120


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here: apt-get install chromium")
    targets = subprocess.run(["rustup", "target", "list", "--installed"], cwd=ROOT, capture_output=True, text=True)
    if "wasm32-unknown-unknown" not in targets.stdout:
        pytest.skip("the target is missing: rustup target add wasm32-unknown-unknown")
    path = tmp_path_factory.mktemp("page") / "verify.html"
    subprocess.run([ROOT / "tools" / "verify-page" / "build", path], check=True)
    return path


@pytest.fixture(scope="module")
def browser(page):
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture(params=["served", "file"])
def opened(request, page, browser):
    if request.param == "file":
        browser.open(page.as_uri())
        yield browser
        return
    handler = functools.partial(Silent, directory=page.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.open(f"http://127.0.0.1:{server.server_port}/verify.html")
        yield browser
        server.shutdown()


def test_a_person_chooses_bundles(opened, tampers, tmp_path):
    opened.requests.clear()
    for number, (told, data) in enumerate(tampers[: 3 + CHOSEN]):
        # A name of its own each time: a browser does not tell the page of the same name again.
        bundle = tmp_path / str(number)
        bundle.write_bytes(data)
        shown = opened.choose(bundle)
        assert shown["state"] == ("valid" if told["valid"] else "broken"), (told, shown)
        if not told["valid"]:
            rows = shown["rows"]
            found = int(rows["line"]), int(rows["record"]) if "record" in rows else None, rows["field"]
            assert found == place(told), told
    # Nothing was asked of anybody.
    assert opened.requests == []


def test_a_key_can_be_demanded(opened, tampers, tmp_path):
    key = tampers[0][0]["keys"][0]["key"]
    for number, (text, state) in enumerate([(key, "valid"), (key[:-4] + "AAA=", "broken"), ("", "valid")]):
        bundle = tmp_path / str(number)
        bundle.write_bytes(tampers[0][1])
        opened.run(f"document.getElementById('key').value = {text!r}")
        assert opened.choose(bundle)["state"] == state, text


def test_a_witness_can_be_demanded(opened, tampers, tmp_path):
    first, second = (told["key"] for told in tampers[0][0]["witnesses"])
    stranger = tampers[0][0]["keys"][0]["key"]
    for number, (text, state) in enumerate([(first, "valid"), (stranger, "broken"), ("", "valid")]):
        bundle = tmp_path / str(number)
        bundle.write_bytes(tampers[0][1])
        opened.run(f"document.getElementById('witness').value = {text!r}")
        shown = opened.choose(bundle)
        assert shown["state"] == state, text
        if state == "valid":
            # Two rows of one name: the second is what is left of them.
            assert shown["rows"]["witness"].startswith(f"{second} cosigned 45 records at 2026-"), shown
        else:
            assert shown["rows"]["field"] == "witnesses", shown
    opened.run("document.getElementById('witness').value = ''")


def test_the_page_names_the_same_record(opened, tampers):
    step = len(tampers) // EVALUATED
    for told, data in tampers[::step]:
        encoded = base64.b64encode(data).decode()
        found = opened.run(
            f"verify(new Blob([Uint8Array.from(atob('{encoded}'), letter => letter.charCodeAt(0))]), '', () => {{}})"
        )
        assert place(found) == place(told), told["name"]


def test_a_large_bundle_is_read_in_portions(opened, ledger, faramesh, tmp_path):
    path = tmp_path / "large.bundle"
    faramesh("audit", "export", "--ledger", ledger(20_000), "--out", path)
    assert path.stat().st_size > 16 << 20
    assert opened.choose(path)["state"] == "valid"
    assert opened.run("loaded.then(verifier => verifier.memory.buffer.byteLength)") < 32 << 20
