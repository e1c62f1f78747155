"""From a call to a permit, including the wait for a person: the steps, without I/O.

:func:`ask` is a generator that yields what has to happen (:class:`Request`,
:class:`Pause`, :class:`Consult`) and is sent what came of it, so threads and event
loops follow the very same steps. It returns a permit or a stand-in for the tool's
result, or raises; it never returns because of an error.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .call_ids import new_call_id
from .exceptions import (
    DaemonProtocolError,
    DaemonUnreachable,
    ToolDeferredException,
    ToolDeniedException,
)
from .memory import Slot
from .wire import Call, Permit, parse_approval, parse_decision

__all__ = [
    "WAIT",
    "Ask",
    "Consult",
    "Instead",
    "Manners",
    "OnDefer",
    "OnDeny",
    "Pause",
    "Request",
    "ask",
]


class _Wait:
    def __repr__(self) -> str:
        return "faramesh.WAIT"


WAIT = _Wait()
"""What an ``on_defer`` callback returns to wait for the person's answer."""

OnDefer = Literal["raise", "block", "return", "interrupt"] | Callable[[ToolDeferredException], Any]
OnDeny = Literal["raise", "return"] | Callable[[ToolDeniedException], Any]

_POLL_SECONDS = 20.0
_SHORTEST_POLL_SECONDS = 0.2
_OUTAGE_SECONDS = 30.0
_MAX_ROUNDS = 8


@dataclass(frozen=True)
class Request:
    """Send this; ``timeout`` in seconds, ``None`` for the transport's own."""

    method: str
    params: Mapping[str, Any]
    timeout: float | None = None


@dataclass(frozen=True)
class Pause:
    """Wait this many seconds."""

    seconds: float


@dataclass(frozen=True)
class Consult:
    """Call the user's handler, which may be async, and send back what it returned."""

    handler: Callable[[Any], Any]
    denial: ToolDeniedException


@dataclass(frozen=True)
class Instead:
    """What the caller gets in place of the tool's result; the tool does not run."""

    value: Any
    denial: ToolDeniedException | None = None


Ask = Generator[Request | Pause | Consult, Any, Permit | Instead]


@dataclass(frozen=True)
class Manners:
    """What to do with a refusal. ``approval_timeout`` (seconds) bounds a wait.

    ``None`` is the default of the framework that the tool belongs to; see
    :meth:`for_framework`.
    """

    on_defer: OnDefer | None = None
    on_deny: OnDeny | None = None
    approval_timeout: float = 900.0

    def __post_init__(self) -> None:
        known = (None, "raise", "block", "return", "interrupt")
        if not callable(self.on_defer) and self.on_defer not in known:
            raise ValueError(
                '`on_defer` is "raise", "block", "return", "interrupt" or a function, '
                f"not {self.on_defer!r}"
            )
        if not callable(self.on_deny) and self.on_deny not in (None, "raise", "return"):
            raise ValueError(f'`on_deny` is "raise", "return" or a function, not {self.on_deny!r}')
        if not self.approval_timeout > 0:
            raise ValueError("`approval_timeout` must be more than 0 seconds")

    def for_framework(
        self,
        name: str,
        *,
        on_defer: OnDefer = "raise",
        on_deny: OnDeny = "raise",
        interrupt: Callable[[ToolDeferredException], Any] | None = None,
    ) -> Manners:
        """These with the framework's defaults, and its own way to hold a call."""
        chosen = on_defer if self.on_defer is None else self.on_defer
        if chosen == "interrupt":
            if interrupt is None:
                raise ValueError(
                    f'`on_defer="interrupt"`: {name} has no way to hold a call; '
                    'use "raise", "block", "return" or a function'
                )
            chosen = interrupt
        denied = on_deny if self.on_deny is None else self.on_deny
        return dataclasses.replace(self, on_defer=chosen, on_deny=denied)


def ask(call: Call, manners: Manners, slot: Slot = Slot()) -> Ask:  # noqa: B008
    """The steps for one call; see the module's text. ``slot`` is where its refusal is kept."""
    try:
        return (yield from _ask(call, manners, slot))
    except (ToolDeferredException, DaemonUnreachable, DaemonProtocolError):
        raise
    except ToolDeniedException as denial:
        slot.keep(denial)
        if manners.on_deny == "return":
            return Instead(str(denial), denial)
        if callable(manners.on_deny):
            answer = yield Consult(manners.on_deny, denial)
            if answer is not None:
                return Instead(answer, denial)
        raise


def _ask(call: Call, manners: Manners, slot: Slot) -> Ask:
    deferred = yield from _asked_before(slot)
    deadline: float | None = None
    last = deferred
    for _ in range(_MAX_ROUNDS):
        if deferred is None:
            result = yield Request("govern", call.params())
            try:
                permit = parse_decision(result, call)
                slot.forget()
                return permit
            except ToolDeferredException as denial:
                deferred = denial
        slot.keep(deferred)
        if deadline is None:
            if manners.on_defer == "return":
                return Instead(str(deferred), deferred)
            if callable(manners.on_defer):
                answer = yield Consult(manners.on_defer, deferred)
                if answer is not None and answer is not WAIT:
                    return Instead(answer, deferred)
            else:
                answer = WAIT if manners.on_defer == "block" else None
            if answer is None:
                raise deferred
            deadline = time.monotonic() + manners.approval_timeout
        yield from _wait(deferred, deadline, manners)
        # A repeated call_id would be answered with the old defer; request_id ties the two.
        call = dataclasses.replace(
            call, call_id=new_call_id(), request_id=call.request_id or call.call_id
        )
        last, deferred = deferred, None
    assert last is not None
    raise _unanswered(last, manners)


def _asked_before(
    slot: Slot,
) -> Generator[Request | Pause | Consult, Any, ToolDeferredException | None]:
    """What this framework call was told earlier: raises a denial, returns a defer that
    still waits, and ``None`` when it has to be asked."""
    earlier = slot.recall()
    if earlier is None:
        return None
    if not isinstance(earlier, ToolDeferredException) or not earlier.defer_token:
        raise earlier
    params = {"defer_token": earlier.defer_token, "wait_ms": 1}
    approval = parse_approval((yield Request("poll_defer", params)))
    if approval.status == "pending":
        return earlier
    slot.forget()
    if approval.status == "denied":
        raise _refused(earlier, approval.status, approval.reason)
    return None


def _wait(
    deferred: ToolDeferredException, deadline: float, manners: Manners
) -> Generator[Request | Pause, Any, None]:
    """Return when approved; raise when denied, expired, or out of time."""
    if not deferred.defer_token:
        raise deferred
    outage_ends: float | None = None
    while (left := deadline - time.monotonic()) > 0:
        asked = time.monotonic()
        wait = min(left, _POLL_SECONDS)
        params = {"defer_token": deferred.defer_token, "wait_ms": max(1, int(wait * 1000))}
        try:
            result = yield Request("poll_defer", params, timeout=wait + 5.0)
        except DaemonUnreachable:
            # Approvals survive a restart of the daemon; give it time to come back.
            outage_ends = outage_ends or asked + _OUTAGE_SECONDS
            if time.monotonic() >= outage_ends:
                raise
            yield Pause(min(1.0, left))
            continue
        outage_ends = None
        approval = parse_approval(result)
        if approval.status == "approved":
            return
        if approval.status != "pending":
            raise _refused(deferred, approval.status, approval.reason)
        early = _SHORTEST_POLL_SECONDS - (time.monotonic() - asked)
        if early > 0:
            yield Pause(early)
    raise _unanswered(deferred, manners)


def _refused(deferred: ToolDeferredException, status: str, reason: str) -> ToolDeniedException:
    message = {
        "denied": f"a person denied it: {reason}" if reason else "a person denied it",
        "expired": "nobody answered before the approval expired",
    }.get(status, "the daemon does not know this approval")
    fields = deferred.to_dict()
    fields.update(
        effect="DENY",
        code=f"APPROVAL_{status.upper()}",
        human_message=message,
        retryable=status != "denied",
        next="",
    )
    return ToolDeniedException(**fields)


def _unanswered(deferred: ToolDeferredException, manners: Manners) -> ToolDeferredException:
    fields = deferred.to_dict()
    fields["human_message"] = (
        f"{deferred.human_message} (no answer within {manners.approval_timeout:g} seconds)"
    )
    return ToolDeferredException(**fields)
