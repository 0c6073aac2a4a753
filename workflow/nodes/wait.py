"""Wait: goes on after a time, at a time, or when the execution's own URL is called. Meanwhile the execution costs no memory."""

import math
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from workflow.core.effects import WaitForCall, WaitUntil
from workflow.core.failure import NodeError
from workflow.core.items import Outputs
from workflow.expressions.parameters import Parameters
from workflow.nodes.contract import EffectRun, NodeCall, NodeType, value_of

_SECONDS: Final = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400, "weeks": 604_800}


def run(call: NodeCall) -> EffectRun:
    parameters = call.once()
    resume = parameters.get("resume", "timeInterval")
    if resume in ("timeInterval", "specificTime"):
        at_ms = _after(call, parameters, "amount", "unit") if resume == "timeInterval" else _at(call, parameters)
        value_of((yield WaitUntil(at_ms=at_ms)))
        return [call.items]
    return (yield from _for_call(call, parameters))


def _for_call(call: NodeCall, parameters: Parameters) -> EffectRun:
    limit: int | None = None
    if parameters.get("limitWaitTime") is True:
        by_interval = parameters.get("limitType", "afterTimeInterval") == "afterTimeInterval"
        limit = (
            _after(call, parameters, "resumeAmount", "resumeUnit") if by_interval else _at(call, parameters, "maxDateAndTime")
        )
    effect = WaitForCall(
        at_ms=limit,
        suffix=parameters.text("options.webhookSuffix"),
        method=parameters.text("httpMethod", "GET"),
        reply={"mode": parameters.text("responseMode", "onReceived"), "status": int(parameters.get("responseCode", 200))},
    )
    called = value_of((yield effect))
    outputs: Outputs = [call.items] if called is None else [[{**called, "pairedItem": {"item": 0}}]]
    return outputs


def _after(call: NodeCall, parameters: Parameters, amount: str, unit: str) -> int:
    default = "hours" if call.node.version < 1.1 or amount != "amount" else "seconds"
    count = parameters.get(amount, 1 if default == "hours" else 5)
    try:
        number = float(count)
    except (TypeError, ValueError):
        raise NodeError(f"Invalid wait amount. Please enter a number that is 0 or greater, not {count!r}") from None
    seconds = _SECONDS.get(parameters.text(unit, default))
    if seconds is None or not 0 <= number < math.inf:
        raise NodeError("Invalid wait amount. Please enter a number that is 0 or greater, and a unit")
    return call.now_ms + int(number * seconds * 1000)


def _at(call: NodeCall, parameters: Parameters, name: str = "dateTime") -> int:
    """A time without an offset is of the workflow's time zone."""
    text = parameters.text(name)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise NodeError(f"Cannot put execution to wait because `{name}` is not a valid date: {text!r}") from None
    return int((when if when.tzinfo else when.replace(tzinfo=ZoneInfo(call.time_zone))).timestamp() * 1000)


TYPES = (NodeType(name="n8n-nodes-base.wait", versions=(1, 1.1), run=run, effect=True),)
