"""What an agent says of its session, and of other agents that it works with.

    session = Session("ticket-4711", agent_id="support-bot")
    session.declare_purpose("refund")
    session.enter_phase("drafting")
    session.complete()

The daemon records each before it counts. What is not allowed raises
:class:`~faramesh.ToolDeniedException`, with what is missing in ``resolution``.
Every method has a twin for event loops: ``await session.acomplete()``.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from . import settings
from .call_ids import new_call_id
from .opening import open_transport
from .transport import Transport
from .wire import Call, Permit, parse_decision

__all__ = ["Delegation", "Session", "Spawned"]


@dataclass(frozen=True)
class Delegation:
    """Authority that was handed on. Give ``token`` to the receiver's toolset as ``delegation``."""

    token: str
    expires_at: str


@dataclass(frozen=True)
class Spawned:
    """Leave to start an agent. Say :meth:`ended` when it has ended, so that another may start."""

    agent: str
    action_id: str
    _tell: Callable[[bool], None]

    def ended(self, *, ok: bool = True) -> None:
        """Reports that the agent has ended. Never blocks."""
        self._tell(ok)


class Session:
    """One session of one agent. Without an id it is ``FARAMESH_SESSION_ID``, else a new one."""

    def __init__(
        self,
        session_id: str | None = None,
        *,
        agent_id: str | None = None,
        delegation: str | None = None,
        transport: Transport | None = None,
        socket: str | os.PathLike[str] | None = None,
        url: str | None = None,
        token: str | None = None,
        timeout: float | None = None,
    ) -> None:
        self.id = settings.session_id(session_id) or f"session-{uuid.uuid4()}"
        self._agent = settings.agent_id(agent_id)
        self._delegation = delegation or ""
        self._transport = open_transport(
            transport, socket=socket, url=url, token=token, timeout=timeout
        )

    def declare_purpose(self, purpose: str) -> None:
        """Says what the session is for, once; ``purpose("…")`` in a policy reads it."""
        self._transport.request("session.declare_purpose", self._params(purpose=purpose))

    async def adeclare_purpose(self, purpose: str) -> None:
        await self._transport.arequest("session.declare_purpose", self._params(purpose=purpose))

    def enter_phase(self, phase: str) -> None:
        """Goes on to another stage of the work, forwards."""
        self._transport.request("session.enter_phase", self._params(phase=phase))

    async def aenter_phase(self, phase: str) -> None:
        await self._transport.arequest("session.enter_phase", self._params(phase=phase))

    def complete(self, task: Any = None) -> None:
        """Returns when everything that the agent's completion gate requires holds; else raises."""
        call, params = self._decision("faramesh/complete", task=task)
        parse_decision(self._transport.request("complete", params), call)

    async def acomplete(self, task: Any = None) -> None:
        call, params = self._decision("faramesh/complete", task=task)
        parse_decision(await self._transport.arequest("complete", params), call)

    def spawn(self, agent: str) -> Spawned:
        """Leave to start another agent; starting it is the caller's."""
        call, params = self._decision("faramesh/spawn", starts=agent)
        permit = parse_decision(self._transport.request("spawn", params), call)
        return self._spawned(agent, permit)

    async def aspawn(self, agent: str) -> Spawned:
        call, params = self._decision("faramesh/spawn", starts=agent)
        permit = parse_decision(await self._transport.arequest("spawn", params), call)
        return self._spawned(agent, permit)

    def delegate(
        self, to: str, *, scope: Iterable[str] | None = None, ttl_seconds: int | None = None
    ) -> Delegation:
        """Hands authority on to another agent, as far as the policy lets this one."""
        call, params = self._handing_on(to, scope, ttl_seconds)
        return _delegation(self._transport.request("delegate", params), call)

    async def adelegate(
        self, to: str, *, scope: Iterable[str] | None = None, ttl_seconds: int | None = None
    ) -> Delegation:
        call, params = self._handing_on(to, scope, ttl_seconds)
        return _delegation(await self._transport.arequest("delegate", params), call)

    def revoke(self, delegation: Delegation | str) -> None:
        """Takes back what this agent handed on."""
        self._transport.request("revoke", self._revoking(delegation))

    async def arevoke(self, delegation: Delegation | str) -> None:
        await self._transport.arequest("revoke", self._revoking(delegation))

    def close(self) -> None:
        self._transport.close()

    def _params(self, **members: Any) -> dict[str, Any]:
        params: dict[str, Any] = {"session": self.id, **members}
        if self._agent:
            params["agent"] = self._agent
        return {name: value for name, value in params.items() if value is not None}

    def _decision(self, tool: str, **members: Any) -> tuple[Call, dict[str, Any]]:
        call = Call(
            tool=tool,
            arguments={},
            call_id=new_call_id(),
            agent_id=self._agent,
            session_id=self.id,
        )
        return call, self._params(call_id=call.call_id, **members)

    def _handing_on(
        self, to: str, scope: Iterable[str] | None, ttl_seconds: int | None
    ) -> tuple[Call, dict[str, Any]]:
        patterns = [scope] if isinstance(scope, str) else None if scope is None else list(scope)
        return self._decision(
            "faramesh/delegate",
            to=to,
            scope=patterns,
            ttl_seconds=ttl_seconds,
            delegation=self._delegation or None,
        )

    def _revoking(self, delegation: Delegation | str) -> dict[str, Any]:
        token = delegation.token if isinstance(delegation, Delegation) else delegation
        params: dict[str, Any] = {"delegation": token}
        if self._agent:
            params["agent"] = self._agent
        return params

    def _spawned(self, agent: str, permit: Permit) -> Spawned:
        started = time.monotonic()

        def tell(ok: bool) -> None:
            outcome: dict[str, Any] = {
                "action_id": permit.action_id,
                "status": "ok" if ok else "error",
                "duration_ms": int((time.monotonic() - started) * 1000),
            }
            if self._agent:
                outcome["agent"] = self._agent
            self._transport.tell("outcome", outcome)

        return Spawned(agent, permit.action_id, tell)


def _delegation(result: Mapping[str, Any], call: Call) -> Delegation:
    parse_decision(result, call)
    return Delegation(str(result.get("delegation", "")), str(result.get("expires_at", "")))
