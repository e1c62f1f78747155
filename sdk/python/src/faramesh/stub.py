"""``StubTransport``: scripted verdicts for tests of your own agent, without a daemon.

It is no policy engine: it answers what the test says, keeps what it was asked, and
denies what nobody scripted.
"""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .arguments import encode_json
from .exceptions import DaemonUnreachable

__all__ = ["RecordedCall", "StubTransport"]


@dataclass(frozen=True)
class RecordedCall:
    """One ``govern`` request as the daemon would have seen it, and the scripted effect."""

    tool: str
    arguments: Mapping[str, Any]
    effect: str
    action_id: str
    call_id: str
    agent_id: str = ""
    session_id: str = ""
    request_id: str = ""


@dataclass
class _Script:
    pattern: str
    when: Callable[[Mapping[str, Any]], bool]
    effect: str
    fields: dict[str, Any] = field(default_factory=dict)


class StubTransport:
    """Give it to ``GovernedToolSet(transport=...)``; the last matching script wins.

    ``calls`` and ``outcomes`` hold what was asked and reported, in order.
    """

    def __init__(self, default: str = "deny") -> None:
        if default not in ("permit", "deny"):
            raise ValueError('`default` is "permit" or "deny"')
        self.calls: list[RecordedCall] = []
        self.outcomes: list[dict[str, Any]] = []
        self.reachable = True
        self._default = default.upper()
        self._scripts: list[_Script] = []
        self._approvals: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    def permit(
        self, pattern: str = "*", when: Callable[[Mapping[str, Any]], bool] | None = None
    ) -> StubTransport:
        """Permit tools that match the glob, and whose arguments satisfy ``when``."""
        return self._script(pattern, when, "PERMIT")

    def deny(
        self,
        pattern: str = "*",
        reason: str = "denied by the test",
        when: Callable[[Mapping[str, Any]], bool] | None = None,
        **fields: Any,
    ) -> StubTransport:
        """Deny them, with ``reason`` and any other field of a denial."""
        denial = {"code": "POLICY_DENY", "resolution": {"type": "rule_block", "rule_id": "stub"}}
        return self._script(pattern, when, "DENY", {**denial, "human_message": reason, **fields})

    def defer(
        self,
        pattern: str = "*",
        reason: str = "deferred by the test",
        when: Callable[[Mapping[str, Any]], bool] | None = None,
        **fields: Any,
    ) -> StubTransport:
        """Defer them until :meth:`approve` or :meth:`refuse`."""
        denial = {"code": "POLICY_DEFER", "human_message": reason, **fields}
        return self._script(pattern, when, "DEFER", denial)

    def approve(self, approval_id: str) -> None:
        """Approve: the next call with the same tool and arguments is permitted, once."""
        self._approvals[approval_id]["status"] = "approved"

    def refuse(self, approval_id: str, reason: str = "refused by the test") -> None:
        """Refuse, as an operator's `approvals deny` would."""
        self._approvals[approval_id].update(status="denied", reason=reason)

    @property
    def pending(self) -> list[str]:
        """The approvals nobody answered yet, oldest first."""
        return [key for key, facts in self._approvals.items() if facts["status"] == "pending"]

    def request(
        self, method: str, params: Mapping[str, Any], timeout: float | None = None
    ) -> Mapping[str, Any]:
        with self._lock:
            if not self.reachable:
                raise DaemonUnreachable(
                    code="DAEMON_UNREACHABLE",
                    human_message="the stub was told to be unreachable; the tool was not run",
                    tool=str(params.get("tool", "")),
                )
            if method == "govern":
                return self._govern(params)
            return self._poll(params)

    async def arequest(
        self, method: str, params: Mapping[str, Any], timeout: float | None = None
    ) -> Mapping[str, Any]:
        return self.request(method, params, timeout)

    def tell(self, method: str, params: Mapping[str, Any]) -> None:
        with self._lock:
            self.outcomes.append(dict(params))

    def close(self) -> None:
        return

    def _script(
        self,
        pattern: str,
        when: Callable[[Mapping[str, Any]], bool] | None,
        effect: str,
        fields: dict[str, Any] | None = None,
    ) -> StubTransport:
        self._scripts.append(_Script(pattern, when or (lambda _: True), effect, fields or {}))
        return self

    def _govern(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        tool, arguments = str(params["tool"]), params["args"]
        effect, fields = self._default, {"code": "POLICY_DENY", "human_message": "not scripted"}
        for script in reversed(self._scripts):
            if fnmatch.fnmatchcase(tool, script.pattern) and script.when(arguments):
                effect, fields = script.effect, dict(script.fields)
                break
        if effect == "DEFER":
            effect, fields = self._deferred(f"{tool} {encode_json(arguments)}", fields)
        call = RecordedCall(
            tool=tool,
            arguments=arguments,
            effect=effect,
            action_id=f"dpr-stub-{len(self.calls) + 1}",
            call_id=str(params["call_id"]),
            agent_id=str(params.get("agent", "")),
            session_id=str(params.get("session", "")),
            request_id=str(params.get("request_id", "")),
        )
        self.calls.append(call)
        reply = {"effect": effect, "action_id": call.action_id, "call_id": call.call_id}
        return reply if effect == "PERMIT" else {**fields, **reply}

    def _deferred(self, key: str, fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        waiting = None
        for approval_id, facts in self._approvals.items():
            if facts["key"] != key:
                continue
            if facts["status"] == "approved":
                facts["status"] = "expired"
                return "PERMIT", {}
            if facts["status"] == "denied":
                return "DENY", {"code": "POLICY_DENY", "human_message": facts["reason"]}
            if facts["status"] == "pending":
                waiting = approval_id
        if waiting is None:
            waiting = f"apr-stub-{len(self._approvals) + 1}"
            self._approvals[waiting] = {"key": key, "status": "pending", "reason": ""}
        resolution = {"type": "pending_approval", "approval_id": waiting}
        return "DEFER", {
            **fields,
            "approval_id": waiting,
            "defer_token": waiting,
            "resolution": resolution,
        }

    def _poll(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        token = str(params.get("defer_token", ""))
        facts = self._approvals.get(token, {"status": "unknown", "reason": ""})
        return {"defer_token": token, "status": facts["status"], "reason": facts["reason"]}
