"""The one place where the order *ask, run, report* is written.

Every door (callables, LangChain tools, the decorator) hands its call to an
:class:`Enforcer`. It runs the tool only after a permit, and reports how the tool
ended; argument values go to the daemon and nowhere else.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .arguments import to_json_value
from .asking import Ask, Consult, Instead, Manners, Pause, Request, ask
from .exceptions import ArgumentsInvalid, ToolDeniedException
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
    principal: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    def run(self, tool: str, arguments: Mapping[str, Any], execute: Callable[[], Any]) -> Any:
        """What ``execute`` returns or raises, unchanged, if the call is permitted."""
        permit = self._drive(self._steps(tool, arguments))
        if isinstance(permit, Instead):
            return permit.value
        started = time.monotonic()
        try:
            result = execute()
        except BaseException as problem:
            self._report(permit, started, problem)
            raise
        if inspect.isawaitable(result):
            return self._finish(permit, started, result)
        self._report(permit, started, None)
        return result

    async def arun(
        self, tool: str, arguments: Mapping[str, Any], execute: Callable[[], Awaitable[Any]]
    ) -> Any:
        """As :meth:`run`, without blocking the event loop."""
        permit = await self._adrive(self._steps(tool, arguments))
        if isinstance(permit, Instead):
            return permit.value
        started = time.monotonic()
        try:
            work = execute()
        except BaseException as problem:
            self._report(permit, started, problem)
            raise
        return await self._finish(permit, started, work)

    async def _finish(self, permit: Permit, started: float, work: Awaitable[Any]) -> Any:
        try:
            result = await work
        except BaseException as problem:
            self._report(permit, started, problem)
            raise
        self._report(permit, started, None)
        return result

    def _steps(self, tool: str, arguments: Mapping[str, Any]) -> Ask:
        call_id = str(uuid.uuid4())
        try:
            call = Call(
                tool=tool,
                arguments=self._plain(tool, arguments, call_id),
                call_id=call_id,
                agent_id=self.agent_id,
                session_id=self.session_id,
                principal=self.principal,
                tags=self.tags,
            )
            answer = yield from ask(call, self.manners)
        except ToolDeniedException as denial:
            logger.info("%s %s: %s %s", denial.effect, tool, denial.code, denial.action_id)
            raise
        if isinstance(answer, Permit):
            logger.debug("PERMIT %s: %s", tool, answer.action_id)
            for warning in answer.warnings:
                logger.warning("%s on %s: %s", warning.code, tool, answer.action_id)
        return answer

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

    def _report(self, permit: Permit, started: float, problem: BaseException | None) -> None:
        params: dict[str, Any] = {
            "action_id": permit.action_id,
            "status": "ok",
            "duration_ms": round((time.monotonic() - started) * 1000),
        }
        if self.agent_id:
            params["agent"] = self.agent_id
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
