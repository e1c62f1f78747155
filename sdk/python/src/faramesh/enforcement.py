"""The one place where the order *ask, run, report* is written.

Every door (callables, LangChain tools, the decorator) hands its call to an
:class:`Enforcer`. It runs the tool only after a permit, and reports how the tool
ended; argument values go to the daemon and nowhere else.
"""

from __future__ import annotations

import asyncio
import dataclasses
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

_OUTCOME_SECONDS = 1.0


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
            await self._areport(permit, started, problem)
            raise
        return await self._finish(permit, started, work)

    async def _finish(self, permit: Permit, started: float, work: Awaitable[Any]) -> Any:
        try:
            result = await work
        except asyncio.CancelledError as problem:
            # An await here could be cancelled in turn, so tell it from a task of its own.
            _keep(asyncio.ensure_future(self._areport(permit, started, problem)))
            raise
        except BaseException as problem:
            await self._areport(permit, started, problem)
            raise
        await self._areport(permit, started, None)
        return result

    def _steps(self, tool: str, arguments: Mapping[str, Any]) -> Ask:
        call = Call(
            tool=tool,
            arguments={},
            call_id=str(uuid.uuid4()),
            agent_id=self.agent_id,
            session_id=self.session_id,
            principal=self.principal,
            tags=self.tags,
        )
        return self._logged(call, arguments)

    def _logged(self, call: Call, arguments: Mapping[str, Any]) -> Ask:
        try:
            answer = yield from ask(_with_arguments(call, arguments), self.manners)
        except ToolDeniedException as denial:
            logger.info("%s %s: %s %s", denial.effect, call.tool, denial.code, denial.action_id)
            raise
        if isinstance(answer, Permit):
            logger.debug("PERMIT %s: %s", call.tool, answer.action_id)
            for warning in answer.warnings:
                logger.warning("%s on %s: %s", warning.code, call.tool, answer.action_id)
        return answer

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
        try:
            params = _outcome(permit, started, problem)
            self.transport.request("outcome", params, _OUTCOME_SECONDS)
        except Exception as failure:
            _log_unreported(permit, failure)

    async def _areport(self, permit: Permit, started: float, problem: BaseException | None) -> None:
        try:
            params = _outcome(permit, started, problem)
            await self.transport.arequest("outcome", params, _OUTCOME_SECONDS)
        except Exception as failure:
            _log_unreported(permit, failure)


def _with_arguments(call: Call, arguments: Mapping[str, Any]) -> Call:
    try:
        plain = to_json_value(arguments)
    except Exception as problem:
        reason = f"the arguments could not be read ({type(problem).__name__})"
        if isinstance(problem, ArgumentsInvalid):
            reason = problem.human_message
        raise ArgumentsInvalid(
            code="ARGUMENTS_INVALID",
            human_message=f"{reason}; the tool was not run",
            call_id=call.call_id,
            tool=call.tool,
            agent_id=call.agent_id,
        ) from None
    return dataclasses.replace(call, arguments=plain)


def _consult(step: Consult) -> Any:
    answer = step.handler(step.denial)
    if inspect.iscoroutine(answer):
        answer.close()
        raise TypeError("an async handler needs an async tool; give a plain function")
    return answer


def _outcome(permit: Permit, started: float, problem: BaseException | None) -> dict[str, Any]:
    params: dict[str, Any] = {
        "action_id": permit.action_id,
        "status": "ok",
        "duration_ms": round((time.monotonic() - started) * 1000, 3),
    }
    if problem is not None:
        timed_out = isinstance(problem, (TimeoutError, asyncio.TimeoutError))
        params["status"] = "timeout" if timed_out else "error"
        # The type only: a message could quote arguments.
        params["error"] = type(problem).__name__
    return params


def _log_unreported(permit: Permit, failure: Exception) -> None:
    code = getattr(failure, "code", "") or type(failure).__name__
    logger.warning("the outcome of %s was not reported: %s", permit.action_id, code)


_unfinished: set[asyncio.Future[None]] = set()


def _keep(task: asyncio.Future[None]) -> None:
    _unfinished.add(task)
    task.add_done_callback(_unfinished.discard)
