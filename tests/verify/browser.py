"""A headless Chromium, driven over its debugging pipe: no driver, no socket, nothing from the network."""

import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading

CHROMIUM = os.environ.get("FARAMESH_CHROMIUM") or shutil.which("chromium")
WAIT = 60


class Browser:
    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="chromium-")
        to_child, self.out = os.pipe()
        self.into, from_child = os.pipe()
        flags = (
            "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
            " --disable-component-update --disable-sync --disable-dev-shm-usage --remote-debugging-pipe"
        ).split()

        def pipes():
            # The browser reads from 3 and writes to 4; moved up first, so that neither is overwritten.
            ends = os.dup2(to_child, 20), os.dup2(from_child, 21)
            os.dup2(ends[0], 3), os.dup2(ends[1], 4)

        self.child = subprocess.Popen(
            [CHROMIUM, *flags, f"--user-data-dir={self.profile}", "about:blank"],
            preexec_fn=pipes,
            close_fds=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_child), os.close(from_child)
        self.number, self.session, self.answers = 0, None, queue.Queue()
        self.requests = []
        threading.Thread(target=self._read, daemon=True).start()
        page = next(one for one in self.call("Target.getTargets")["targetInfos"] if one["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "DOM", "Network"):
            self.call(f"{domain}.enable")

    def _read(self):
        buffer = b""
        while chunk := os.read(self.into, 1 << 20):
            *messages, buffer = (buffer + chunk).split(b"\0")
            for message in map(json.loads, messages):
                if "id" in message:
                    self.answers.put(message)
                elif message.get("method") == "Network.requestWillBeSent":
                    self.requests.append(message["params"]["request"]["url"])

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data) :]
        answer = self.answers.get(timeout=WAIT)
        assert answer["id"] == self.number and "error" not in answer, answer
        return answer["result"]

    def run(self, expression):
        """The value of an expression in the page, which may be a promise."""
        found = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def open(self, address):
        self.call("Page.navigate", url=address)
        self.run(
            "new Promise(done => { const look = () => document.readyState === 'complete' && location.href !== 'about:blank'"
            " ? done(true) : setTimeout(look, 20); look() })"
        )

    def choose(self, path):
        """Chooses a file as a person does, and gives what the page then says."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
        self.run("document.getElementById('verdict').dataset.state = 'waiting'")
        self.call("DOM.setFileInputFiles", files=[str(path)], nodeId=node)
        return self.run(
            "new Promise(done => { const look = () => ['valid', 'broken'].includes(document.getElementById('verdict')"
            ".dataset.state) ? done({ state: document.getElementById('verdict').dataset.state,"
            " rows: Object.fromEntries([...document.querySelectorAll('#details tr')].map(row =>"
            " [...row.children].map(cell => cell.textContent))) }) : setTimeout(look, 20); look() })"
        )

    def close(self):
        self.child.terminate()
        self.child.wait(WAIT)
        shutil.rmtree(self.profile, ignore_errors=True)
