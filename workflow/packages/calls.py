"""Carries out `RunPackagedNode`: lends a process, with the opened credentials in its call alone."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final

from bus.errors import HiveError, NodeFailed, RequestRefused
from workflow.core.effects import RunPackagedNode
from workflow.core.execution import Reply
from workflow.core.failure import Failure
from workflow.credentials.http_auth import HttpAuth, cleared, domains_of, forms
from workflow.credentials.types import GENERIC
from workflow.outside.guard import Guard
from workflow.outside.sharing import Shares
from workflow.packages.installed import Installed
from workflow.packages.process import KEPT, MOST, NodeProcess
from workflow.running.fence import Fence

_SHORT: Final = 8
"""Texts of credentials that are shorter (a port, `true`) are no secrets, and would blank out what they merely resemble."""


class PackagedCalls:
    """`program`: Node.js. `fence`: passed before a node is run."""

    def __init__(
        self, installed: Installed, guard: Guard, program: str, seconds: float, max_bytes: int, base_url: str, fence: Fence
    ) -> None:
        self._installed, self._guard, self._program = installed, guard, program
        self._seconds, self._max_bytes, self._base_url, self._fence = seconds, max_bytes, base_url, fence
        self._room, self._shares = asyncio.Semaphore(MOST), Shares(MOST // 2)
        self._idle: list[NodeProcess] = []

    async def carry_out(
        self, effect: RunPackagedNode, opened: Mapping[str, Any], missing: Mapping[str, str], owner: str = ""
    ) -> Reply:
        """`owner`: of the execution, who has half of the places. `opened`: data by type; `missing`: why others could not be opened. OutcomeUnknown, NodeJsUnavailable, EvaluationLimit."""
        message = {**_message(effect), "credentials": opened, "missing": missing, "baseUrl": self._base_url}
        secrets = forms(*_secrets(opened))
        async with self._shares.place(owner), self._room:
            process = await self._process()
            try:
                await self._fence.passed()
                found = cleared(await process.call(message, self._seconds, _owners(opened)), secrets)
            except BaseException as error:
                await process.end()
                if isinstance(error, HiveError):
                    error.message = str(cleared(error.message, secrets))
                raise
            await self._keep(process)
        return _reply(found)

    async def close(self) -> None:
        await asyncio.gather(*(each.end() for each in self._idle))
        self._idle.clear()

    async def _process(self) -> NodeProcess:
        stamp = self._installed.stamp
        while self._idle:
            found = self._idle.pop()
            if found.stamp == stamp and await found.is_quiet():
                return found
            await found.end()
        return await NodeProcess.start(self._program, self._installed.folder, self._guard, self._max_bytes, stamp)

    async def _keep(self, process: NodeProcess) -> None:
        if len(self._idle) < KEPT:
            self._idle.append(process)
        else:
            await process.end()


def _owners(opened: Mapping[str, Any]) -> list[HttpAuth]:
    """Where the owners of credentials that go to any host let them go."""
    return [HttpAuth(domains=domains_of(data)) for kind, data in opened.items() if kind in GENERIC]


def _message(effect: RunPackagedNode) -> dict[str, Any]:
    return {
        "node": effect.node,
        "inputs": effect.inputs or [[]],
        "parameters": effect.parameters,
        "failed": effect.failed,
        "continues": effect.continues,
        "mode": effect.mode,
        "timeZone": effect.time_zone,
        "workflow": effect.workflow,
        "executionId": effect.execution_id,
        "staticData": effect.static_data,
    }


def _secrets(value: Any) -> Iterable[str]:
    if isinstance(value, str) and len(value) >= _SHORT:
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _secrets(each)


def _reply(found: Mapping[str, Any]) -> Reply:
    error = found.get("error")
    if error is None:
        return Reply(value={"outputs": found["outputs"], "static_data": found.get("staticData") or {}})
    code = RequestRefused.code if error["refused"] else NodeFailed.code
    return Reply(
        failure=Failure(
            message=error["message"], description=error["description"], name=error["name"], code=code, item=error["item"]
        )
    )
