"""When the schedule nodes of a workflow come due: pure. n8n's rules become cron expressions with seconds, as n8n has them.

Where n8n takes a random second so that not everybody calls at once, so does this: one that follows from the workflow and node, so that
every engine takes the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid5
from zlib import crc32
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from bus.errors import InvalidCron, UnknownTimeZone
from workflow.n8n.document import Node, Workflow

TYPES: Final = ("n8n-nodes-base.scheduleTrigger", "n8n-nodes-base.cron", "n8n-nodes-base.interval")
ON_TIME: Final = timedelta(seconds=30)
"""What is found later than this was missed: longer than a takeover takes."""
MAX_CATCH_UP: Final = 100
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
"""English whatever the machine speaks: workflows compare with them."""
_EPOCH: Final = datetime(1970, 1, 5, tzinfo=UTC)  # a Monday


class Missed(StrEnum):
    """The workflow's setting `missedSchedules`, which is Hive's own: what becomes of times that passed while no engine ran."""

    SKIP = "skip"
    LAST = "last"
    ALL = "all"

    @classmethod
    def of(cls, workflow: Workflow) -> "Missed":
        found = workflow.settings.get("missedSchedules", cls.SKIP)
        return cls(found) if found in tuple(cls) else cls.SKIP


@dataclass(frozen=True, slots=True)
class Rule:
    """`every_weeks`: of the weeks that the expression names, every so many. `every_seconds` stands in the place of an expression."""

    expression: str = ""
    every_weeks: int = 1
    every_seconds: int = 0

    def after(self, moment: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """Due times later than `moment`, in UTC."""
        if self.every_seconds:
            step = timedelta(seconds=self.every_seconds)
            due = _EPOCH + ((moment - _EPOCH) // step + 1) * step
            while True:
                yield due
                due += step
        for due in CronSim(self.expression, moment.astimezone(zone)):
            if ((due.date() - _EPOCH.date()).days // 7) % self.every_weeks == 0:
                yield due.astimezone(UTC)


def schedule_nodes(workflow: Workflow) -> list[Node]:
    return [node for node in workflow.nodes if node.type in TYPES and not node.disabled]


def execution_id_of(workflow_id: UUID, node: str, due: datetime) -> UUID:
    """The same due time of a node is the same execution, whoever starts it and however often."""
    return uuid5(workflow_id, f"{node}@{due.astimezone(UTC).isoformat()}")


def next_due(workflow: Workflow, node: Node, moment: datetime, default_zone: str) -> datetime | None:
    """The first due time after `moment`. Raises InvalidCron and UnknownTimeZone, which name the node."""
    zone = _zone(workflow.time_zone or default_zone)
    try:
        found = [next(rule.after(moment, zone), None) for rule in rules(node)]
    except (CronSimError, ValueError) as error:
        raise InvalidCron(f"The schedule of {node.name!r} cannot be understood: {error}.") from None
    return min((due for due in found if due is not None), default=None)


def came_due(
    workflow: Workflow, node: Node, first: datetime, now: datetime, default_zone: str
) -> tuple[list[datetime], datetime | None]:
    """The times that are to be executed now, `first` being the stored next one, and the next after them."""
    missed = Missed.of(workflow)
    times, due = [first], next_due(workflow, node, first, default_zone)
    while due is not None and due <= now:
        times = [*times, due][-MAX_CATCH_UP:]
        due = next_due(workflow, node, due, default_zone)
        if missed is Missed.SKIP and due is not None and due < now - ON_TIME:  # none of those is wanted
            due = next_due(workflow, node, now - ON_TIME, default_zone)
    if missed is Missed.SKIP:
        times = [each for each in times if now - each <= ON_TIME]
    elif missed is Missed.LAST:
        times = [each for each in times if now - each <= ON_TIME] or times[-1:]
    return times, due


def due_item(node: Node, at: datetime, zone: str) -> dict[str, Any]:
    """What a schedule node gives; the older ones, Cron and Interval, say nothing, as in n8n."""
    return {"json": {}} if node.short_type in ("cron", "interval") else trigger_item(at, zone)


def trigger_item(due: datetime, zone: str) -> dict[str, Any]:
    """The moment in the words of n8n: `July 9th 2025, 4:10:00 pm`."""
    at = due.astimezone(_zone(zone))
    offset = at.isoformat()[-6:]
    clock = f"{at.hour % 12 or 12}:{at:%M:%S} {'am' if at.hour < 12 else 'pm'}"
    return {
        "json": {
            "timestamp": at.isoformat(timespec="milliseconds"),
            "Readable date": f"{_MONTHS[at.month - 1]} {at.day}{_ordinal(at.day)} {at.year}, {clock}",
            "Readable time": clock,
            "Day of week": _DAYS[at.weekday()],
            "Year": str(at.year),
            "Month": _MONTHS[at.month - 1],
            "Day of month": f"{at:%d}",
            "Hour": f"{at:%H}",
            "Minute": f"{at:%M}",
            "Second": f"{at:%S}",
            "Timezone": f"{zone} (UTC{offset})",
        }
    }


def _ordinal(day: int) -> str:
    return "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def rules(node: Node) -> list[Rule]:
    """Raises ValueError for what is no rule."""
    second = crc32(f"{node.id}{node.name}".encode()) % 60
    if node.type == "n8n-nodes-base.interval":
        units = {"seconds": 1, "minutes": 60, "hours": 3600}
        return [
            Rule(every_seconds=_count(node.parameters.get("interval", 1)) * units[str(node.parameters.get("unit", "seconds"))])
        ]
    if node.type == "n8n-nodes-base.cron":
        given = (node.parameters.get("triggerTimes") or {}).get("item") or [{}]
        return [_cron_rule(each, second) for each in given]
    given = (node.parameters.get("rule") or {}).get("interval") or [{}]
    return [_schedule_rule(each, second) for each in given]


def _schedule_rule(rule: Mapping[str, Any], second: int) -> Rule:
    """One entry of a Schedule Trigger; without a field it is every day at midnight."""
    minute, hour = _number(rule, "triggerAtMinute", 0), _number(rule, "triggerAtHour", 0)
    match rule.get("field", "days"):
        case "seconds":
            return Rule(f"*/{_count(rule.get('secondsInterval', 30))} * * * * *")
        case "minutes":
            return Rule(f"{second} */{_count(rule.get('minutesInterval', 5))} * * * *")
        case "hours":
            return Rule(f"{second} {minute} */{_count(rule.get('hoursInterval', 1))} * * *")
        case "days":
            return Rule(f"{second} {minute} {hour} */{_count(rule.get('daysInterval', 1))} * *")
        case "weeks":
            days = ",".join(str(int(day)) for day in rule.get("triggerAtDay") or [0])
            return Rule(f"{second} {minute} {hour} * * {days}", every_weeks=_count(rule.get("weeksInterval", 1)))
        case "months":
            day = _number(rule, "triggerAtDayOfMonth", 1)
            return Rule(f"{second} {minute} {hour} {day} */{_count(rule.get('monthsInterval', 1))} *")
        case "cronExpression":
            return Rule(with_seconds(str(rule.get("expression", "")), second))
        case other:
            raise ValueError(f"there is no interval {other!r}")


def _cron_rule(rule: Mapping[str, Any], second: int) -> Rule:
    """One entry of the older Cron node."""
    minute, hour = _number(rule, "minute", 0), _number(rule, "hour", 14)
    match rule.get("mode", "everyDay"):
        case "everyMinute":
            return Rule(f"{second} * * * * *")
        case "everyHour":
            return Rule(f"{second} {minute} * * * *")
        case "everyDay":
            return Rule(f"{second} {minute} {hour} * * *")
        case "everyWeek":
            return Rule(f"{second} {minute} {hour} * * {_number(rule, 'weekday', 1)}")
        case "everyMonth":
            return Rule(f"{second} {minute} {hour} {_number(rule, 'dayOfMonth', 1)} * *")
        case "everyX":
            count = _count(rule.get("value", 2))
            return Rule(
                f"{second} 0 */{count} * * *" if rule.get("unit", "hours") == "hours" else f"{second} */{count} * * * *"
            )
        case "custom":
            return Rule(with_seconds(str(rule.get("cronExpression", "")), second))
        case other:
            raise ValueError(f"there is no mode {other!r}")


def with_seconds(expression: str, second: int = 0) -> str:
    """n8n takes five fields or six; five mean the second 0."""
    fields = expression.split()
    if len(fields) == 6:
        return " ".join(fields)
    if len(fields) != 5:
        raise ValueError(f"{expression!r} has {len(fields)} fields and needs five, or six with seconds")
    return f"0 {' '.join(fields)}"


def _count(value: Any) -> int:
    number = int(value)
    if number < 1:
        raise ValueError(f"an interval of {number} never comes due")
    return number


def _number(rule: Mapping[str, Any], name: str, default: int) -> int:
    value = rule.get(name, default)
    return default if value in (None, "") else int(value)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownTimeZone(
            f"There is no time zone {name!r}. Take a name of the IANA database, such as Europe/Berlin."
        ) from None
