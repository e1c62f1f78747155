"""The one place where the order *ask, run, report* is written.

Every door (callables, LangChain tools, the decorator) hands its call to an
:class:`Enforcer`. It runs the tool only after a permit, and reports how the tool
ended; argument values go to the daemon and nowhere else.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .arguments import encode_json, to_json_value
from .asking import Ask, Consult, Instead, Manners, OnDefer, OnDeny, Pause, Request, ask
from .call_ids import new_call_id
from .exceptions import ArgumentsInvalid, ToolDeferredException, ToolDeniedException
from .measuring import NOTHING, Measure, measured
from .memory import Refusals, Slot
from .origin import NOWHERE, Origin
from .transport import Transport
from .wire import Call, Permit

__all__ = ["Enforcer"]

logger = logging.getLogger("faramesh")


@dataclass(frozen=True)
class Enforcer:
    """Who asks, through what, and what happens on a refusal."""

    transport: Transport
    manners: Manners = field(default_factory=Manners)
    agent_id: str = ""
    session_id: str = ""
    delegation: str = ""
    principal: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    refusals: Refusals = field(default_factory=Refusals)
    measure: Measure | None = None

    def for_framework(
        self,
        name: str,
        *,
        on_defer: OnDefer = "raise",
        on_deny: OnDeny = "raise",
        interrupt: Callable[[ToolDeferredException], Any] | None = None,
    ) -> Enforcer:
        """This one with a framework's defaults for what the developer left open."""
        manners = self.manners.for_framework(
            name, on_defer=on_defer, on_deny=on_deny, interrupt=interrupt
        )
        return dataclasses.replace(self, manners=manners)

    def run(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        execute: Callable[[], Any],
        origin: Origin = NOWHERE,
        instead: Callable[[Instead], Any] | None = None,
    ) -> Any:
        """What ``execute`` returns or raises, unchanged, if the call is permitted.

        ``instead`` makes the framework's own kind of result of a stand-in.
        """
        permit = self.decide(tool, arguments, origin)
        if isinstance(permit, Instead):
            return instead(permit) if instead else permit.value
        started = time.monotonic()
        try:
            result = execute()
        except BaseException as problem:
            self.report(permit, started, problem)
            raise
        if inspect.isawaitable(result):
            return self._finish(permit, started, result)
        self.report(permit, started, None, result)
        return result

    async def arun(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        execute: Callable[[], Awaitable[Any]],
        origin: Origin = NOWHERE,
        instead: Callable[[Instead], Any] | None = None,
        failure_of: Callable[[Any], BaseException | None] | None = None,
        permit: Permit | Instead | None = None,
    ) -> Any:
        """As :meth:`run`, without blocking the event loop.

        ``failure_of`` finds the exception in a result, for frameworks that put it there.
        ``permit`` is one that was got earlier for this very call.
        """
        permit = permit or await self.adecide(tool, arguments, origin)
        if isinstance(permit, Instead):
            return instead(permit) if instead else permit.value
        started = time.monotonic()
        try:
            work = execute()
        except BaseException as problem:
            self.report(permit, started, problem)
            raise
        return await self._finish(permit, started, work, failure_of)

    def decide(
        self, tool: str, arguments: Mapping[str, Any], origin: Origin = NOWHERE
    ) -> Permit | Instead:
        """The decision alone; whoever runs the tool must :meth:`report` how it ended."""
        return self._drive(self._steps(tool, arguments, origin))

    async def adecide(
        self, tool: str, arguments: Mapping[str, Any], origin: Origin = NOWHERE
    ) -> Permit | Instead:
        """As :meth:`decide`, without blocking the event loop."""
        return await self._adrive(self._steps(tool, arguments, origin))

    async def _finish(
        self,
        permit: Permit,
        started: float,
        work: Awaitable[Any],
        failure_of: Callable[[Any], BaseException | None] | None = None,
    ) -> Any:
        try:
            result = await work
        except BaseException as problem:
            self.report(permit, started, problem)
            raise
        failure = failure_of(result) if failure_of else None
        self.report(permit, started, failure, NOTHING if failure else result)
        return result

    def _steps(self, tool: str, arguments: Mapping[str, Any], origin: Origin) -> Ask:
        call_id = new_call_id()
        try:
            plain = self._plain(tool, arguments, call_id)
            call = Call(
                tool=tool,
                arguments=plain,
                call_id=call_id,
                agent_id=self.agent_id,
                session_id=origin.session_id or self.session_id or origin.thread,
                delegation=self.delegation,
                request_id=origin.request_id or origin.call_id,
                principal={**self.principal, **origin.principal},
                tags={**self.tags, **origin.tags},
            )
            answer = yield from ask(call, self.manners, self._slot(tool, plain, origin))
        except ToolDeniedException as denial:
            logger.info("%s %s: %s %s", denial.effect, tool, denial.code, denial.action_id)
            raise
        if isinstance(answer, Permit):
            logger.debug("PERMIT %s: %s", tool, answer.action_id)
            for warning in answer.warnings:
                logger.warning("%s on %s: %s", warning.code, tool, answer.action_id)
        return answer

    def _slot(self, tool: str, plain: object, origin: Origin) -> Slot:
        if not origin.call_id:
            return Slot()
        # Arguments belong to the key: an id that a model gives twice is two calls.
        text = encode_json(plain).encode("utf-8", "surrogatepass")
        digest = hashlib.sha256(text).hexdigest()
        return Slot(self.refusals, (origin.scope, origin.call_id, tool, digest))

    def _plain(self, tool: str, arguments: Mapping[str, Any], call_id: str) -> Any:
        try:
            return to_json_value(arguments)
        except Exception as problem:
            reason = f"the arguments could not be read ({type(problem).__name__})"
            if isinstance(problem, ArgumentsInvalid):
                reason = problem.human_message
        raise ArgumentsInvalid(
            code="ARGUMENTS_INVALID",
            human_message=f"{reason}; the tool was not run",
            call_id=call_id,
            tool=tool,
            agent_id=self.agent_id,
        )

    def _drive(self, steps: Ask) -> Permit | Instead:
        try:
            step = next(steps)
            while True:
                try:
                    came: Any = None
                    if isinstance(step, Request):
                        came = self.transport.request(step.method, step.params, step.timeout)
                    elif isinstance(step, Pause):
                        time.sleep(step.seconds)
                    else:
                        came = _consult(step)
                except BaseException as problem:
                    step = steps.throw(problem)
                else:
                    step = steps.send(came)
        except StopIteration as end:
            answer: Permit | Instead = end.value
            return answer

    async def _adrive(self, steps: Ask) -> Permit | Instead:
        try:
            step = next(steps)
            while True:
                try:
                    came: Any = None
                    if isinstance(step, Request):
                        came = await self.transport.arequest(step.method, step.params, step.timeout)
                    elif isinstance(step, Pause):
                        await asyncio.sleep(step.seconds)
                    else:
                        came = step.handler(step.denial)
                        if inspect.isawaitable(came):
                            came = await came
                except BaseException as problem:
                    step = steps.throw(problem)
                else:
                    step = steps.send(came)
        except StopIteration as end:
            answer: Permit | Instead = end.value
            return answer

    def report(
        self,
        permit: Permit,
        started: float,
        problem: BaseException | None,
        result: Any = NOTHING,
    ) -> None:
        """Tell the daemon how the permitted run ended. ``started``: ``time.monotonic()``."""
        params: dict[str, Any] = {
            "action_id": permit.action_id,
            "status": "ok",
            "duration_ms": round((time.monotonic() - started) * 1000),
        }
        if self.agent_id:
            params["agent"] = self.agent_id
        params.update(measured(result, self.measure))
        if problem is not None:
            timed_out = isinstance(problem, (TimeoutError, asyncio.TimeoutError))
            params["status"] = "timeout" if timed_out else "error"
            # The type only: a message could quote arguments.
            params["error"] = type(problem).__name__
        try:
            self.transport.tell("outcome", params)
        except Exception as failure:
            code = getattr(failure, "code", "") or type(failure).__name__
            logger.warning("the outcome of %s was not reported: %s", permit.action_id, code)


def _consult(step: Consult) -> Any:
    answer = step.handler(step.denial)
    if inspect.iscoroutine(answer):
        answer.close()
        raise TypeError("an async handler needs an async tool; give a plain function")
    return answer
