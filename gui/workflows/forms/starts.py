"""Fields of the triggers without a page of their own, and of events. Pure."""

from typing import Final

from bus.messages import EventType
from gui.workflows.forms.fields import Field, FieldKind, given, json, number, on, rows, select, text

_TIMES: Final = rows(
    "triggerTimes.item",
    "It starts",
    "time",
    select(
        "mode",
        "Every",
        ("everyMinute", "Minute"),
        ("everyHour", "Hour"),
        ("everyDay", "Day"),
        ("everyWeek", "Week"),
        ("everyMonth", "Month"),
        ("everyX", "So many minutes or hours"),
        ("custom", "As a cron expression says"),
        default="everyDay",
    ),
    *given(on(mode=("everyDay", "everyWeek", "everyMonth")), number("hour", "At the hour (0–23)", 14)),
    *given(on(mode=("everyHour", "everyDay", "everyWeek", "everyMonth")), number("minute", "At the minute", 0)),
    *given(on(mode="everyMonth"), number("dayOfMonth", "On the day", 1)),
    *given(on(mode="everyWeek"), number("weekday", "On the day of the week, 0 is Sunday", 1)),
    *given(on(mode="everyX"), number("value", "How many", 2), select("unit", "Unit", "minutes", "hours", default="hours")),
    *given(on(mode="custom"), text("cronExpression", "Cron expression", "* * * * * *")),
    starts={"mode": "everyDay"},
)

_EVENTS: Final = tuple((name, name) for name in (*sorted(EventType), "agent.*", "system.*", "task.*", "workflow.*"))

STARTS: Final[dict[str, tuple[Field, ...]]] = {
    "manualTrigger": (),
    "start": (),
    "errorTrigger": (),
    "scheduleTrigger": (Field(name="rule.interval", label="It starts", kind=FieldKind.SCHEDULE),),
    "cron": (_TIMES,),
    "interval": (number("interval", "Every", 1), select("unit", "Unit", "seconds", "minutes", "hours")),
    "eventTrigger": (
        select("event", "Event", *_EVENTS, ("*", "Any"), default=EventType.WORKFLOW_MESSAGE),
        *given(
            on(event=("workflow.message", "workflow.*", "*")), text("name", "Name of the message", hint="* stands for anything")
        ),
        text("entityId", "Id of what it is about"),
    ),
    "publishEvent": (
        text("name", "Name of the message", hint="Such as order.paid"),
        json("payload", "What it says", hint="Left empty it is the item"),
    ),
}
