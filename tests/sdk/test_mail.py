"""Alerts by mail: a real daemon, and a real SMTP server that keeps what comes."""

from __future__ import annotations

import email
import os
import ssl
import time
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from faramesh import GovernedToolSet, ToolDeniedException
from stack import Stack
from test_http import authority, certificate, free_port

PASSWORD = "a-password-of-this-test"


class Mailbox:
    """Keeps mails, and refuses as often as it is told to."""

    def __init__(self) -> None:
        self.mails: list[tuple[Envelope, Message]] = []
        self.refusals: list[str] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:
        if self.refusals:
            return self.refusals.pop(0)
        content = envelope.content
        self.mails.append((envelope, email.message_from_bytes(bytes(content or b""))))
        return "250 kept"

    def came(self, count: int) -> list[tuple[Envelope, Message]]:
        deadline = time.monotonic() + 30
        while len(self.mails) < count:
            assert time.monotonic() < deadline, f"{len(self.mails)} of {count} mails came"
            time.sleep(0.05)
        return self.mails


def login(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    right = LoginPassword(b"faramesh", PASSWORD.encode())
    return AuthResult(success=data == right, handled=False)


def policy(url: str, more: str = "") -> str:
    return f"""
provider "mail" {{ type = "smtp" url = "{url}" sender = "faramesh@example.com" {more} }}
agent "support-bot" {{
  default deny
  rules {{ permit search deny payout reason "payouts are made by finance" }}
  budget daily {{ max $1 warn_at 0.5 tools ["search"] cost amount }}
  alert {{ on = ["deny", "budget_warning", "chain_broken"] notify = "email://desk@example.com" }}
}}
"""


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[Mailbox, Controller]]]:
    running: list[Controller] = []

    def start(**options: Any) -> tuple[Mailbox, Controller]:
        mailbox = Mailbox()
        controller = Controller(mailbox, hostname="127.0.0.1", port=free_port(), **options)
        controller.start()
        running.append(controller)
        return mailbox, controller

    yield start
    for controller in running:
        controller.stop()


def tools(stack: Stack) -> GovernedToolSet:
    def payout(amount: int) -> str:
        return f"paid {amount}"

    def search(amount: float) -> str:
        return f"found {amount}"

    return GovernedToolSet([payout, search], agent_id="support-bot", socket=stack.socket)


def test_denials_and_budgets_are_told_by_mail(tmp_path: Path, serve: Any) -> None:
    mailbox, controller = serve()
    mailbox.refusals = ["451 come again"]
    stack = Stack(tmp_path, policy(f"smtp://127.0.0.1:{controller.port}"))
    stack.start()
    try:
        governed = tools(stack)
        with pytest.raises(ToolDeniedException):
            governed.payout(amount=4711)
        assert governed.search(amount=0.75) == "found 0.75"
        deadline = time.monotonic() + 30
        text = ""
        while "nearly spent" not in text and time.monotonic() < deadline:
            time.sleep(0.05)
            text = "".join(str(mail.get_payload(decode=True)) for _, mail in mailbox.mails)
        assert "deny payout by support-bot (POLICY_DENY): payouts are made by finance" in text
        assert "the budget `daily` is nearly spent" in text
        assert "4711" not in text and "0.75" not in text, "no arguments"
        envelope, mail = mailbox.mails[0]
        assert (envelope.mail_from, envelope.rcpt_tos) == ("faramesh@example.com", ["desk@example.com"])
        assert str(mail["Subject"]).startswith("Faramesh: deny payout by support-bot")
    finally:
        stack.stop()


def test_a_server_with_tls_and_a_password(
    tmp_path: Path, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority(tmp_path)
    certificate(tmp_path, "mail", "DNS:localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "mail.pem", tmp_path / "mail.key")
    mailbox, controller = serve(
        ssl_context=context, authenticator=login, auth_required=True, auth_require_tls=False
    )
    more = 'username = "faramesh" token = env("SMTP_PASSWORD") ca_file = "ca.pem"'
    stack = Stack(tmp_path, policy(f"smtps://localhost:{controller.port}", more))

    def down() -> str:
        (sink,) = stack.command("status")["ledger"]["sinks"]
        return str((sink.get("last_error") or {}).get("message", ""))

    environment = stack.environment()
    monkeypatch.setattr(stack, "environment", lambda: {**environment, "SMTP_PASSWORD": "wrong"})
    stack.start()
    try:
        with pytest.raises(ToolDeniedException):
            tools(stack).payout(amount=1)
        deadline = time.monotonic() + 20
        while "does not accept `username` and `token`" not in down():
            assert time.monotonic() < deadline, down()
            time.sleep(0.1)
        assert mailbox.mails == []
    finally:
        stack.stop()
    monkeypatch.setattr(stack, "environment", lambda: {**environment, "SMTP_PASSWORD": PASSWORD})
    stack.start()
    try:
        with pytest.raises(ToolDeniedException):
            tools(stack).payout(amount=1)
        mailbox.came(1)
        assert PASSWORD not in stack.log.read_text()
    finally:
        stack.stop()


def test_a_server_with_another_certificate_gets_no_mail(tmp_path: Path, serve: Any) -> None:
    authority(tmp_path)
    certificate(tmp_path, "mail", "DNS:elsewhere.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "mail.pem", tmp_path / "mail.key")
    mailbox, controller = serve(ssl_context=context)
    stack = Stack(tmp_path, policy(f"smtps://localhost:{controller.port}", 'ca_file = "ca.pem"'))
    stack.start()
    try:
        with pytest.raises(ToolDeniedException):
            tools(stack).payout(amount=1)
        deadline = time.monotonic() + 20
        message = ""
        while "certificate is not accepted" not in message:
            assert time.monotonic() < deadline, message
            (sink,) = stack.command("status")["ledger"]["sinks"]
            message = str((sink.get("last_error") or {}).get("message", ""))
            time.sleep(0.1)
        assert mailbox.mails == []
    finally:
        stack.stop()


def test_a_daemon_that_finds_its_ledger_changed_tells_of_it(tmp_path: Path, serve: Any) -> None:
    mailbox, controller = serve()
    own = policy(f"smtp://127.0.0.1:{controller.port}").replace("default deny", "default deny", 1)
    own = f"runtime {{ allow_self_declared_identity = true }}\n{own}"
    stack = Stack(tmp_path, own, ("apply", "--foreground"))
    stack.start()
    try:
        assert tools(stack).search(amount=0.1) == "found 0.1"
    finally:
        stack.stop()
    segment = sorted((tmp_path / "faramesh-wal").glob("*.wal"))[0]
    content = bytearray(segment.read_bytes())
    place = content.index(b"support-bot")
    content[place] ^= 1
    segment.write_bytes(content)
    with pytest.raises(AssertionError, match="ended at once"):
        stack.start()
    ((_, mail),) = mailbox.came(1)
    assert str(mail["Subject"]).startswith("Faramesh: chain broken: the daemon does not start")
    assert os.path.basename(segment) in str(mail.get_payload(decode=True))
