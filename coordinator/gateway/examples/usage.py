"""Examples of usage and quotas for the API's own documentation."""

from datetime import timedelta
from typing import Final

from fastapi.openapi.models import Example
from pydantic import BaseModel

from bus.messages.usage import (
    Quota,
    QuotaKind,
    QuotaList,
    QuotaPeriod,
    QuotaUnit,
    SlowHost,
    SlowHosts,
    UsageBy,
    UsageReport,
    UsageRow,
)
from coordinator.gateway.examples.time import NOON

_QUOTA: Final = Quota(
    kind=QuotaKind.USER,
    name="anna",
    unit=QuotaUnit.TOKENS,
    period=QuotaPeriod.DAY,
    most=1_000_000,
    used=412_000,
    since=NOON - timedelta(hours=12),
    set_by="admin",
)
QUOTAS: Final[dict[str, Example]] = {
    "user": {
        "summary": "A million tokens a day for a user",
        "value": {"kind": "user", "name": "anna", "unit": "tokens", "period": "day", "most": 1_000_000},
    },
    "key": {
        "summary": "Ten hours of a host a month for a key",
        "value": {
            "kind": "key",
            "name": "22222222-2222-4222-8222-222222222222",
            "unit": "seconds",
            "period": "month",
            "most": 36_000,
        },
    },
}
ANSWERS: Final[tuple[BaseModel, ...]] = (
    UsageReport(
        by=UsageBy.USER,
        since=NOON.date().replace(day=1),
        until=NOON.date(),
        rows=(
            UsageRow(
                name="anna", tasks=840, prompt_tokens=310_000, completion_tokens=102_000, seconds=2_400.5, watt_hours=151.2
            ),
        ),
    ),
    _QUOTA,
    QuotaList(quotas=(_QUOTA,)),
    SlowHosts(
        hosts=(
            SlowHost(
                agent_id="acacia",
                model="llama3.2:3b",
                tokens_per_second=36.1,
                usual_tokens_per_second=52.4,
                share=0.69,
                hours=140,
                text="acacia writes 36.1 tokens/s with llama3.2:3b, and used to write 52.4: 31 % less.",
            ),
        )
    ),
)
