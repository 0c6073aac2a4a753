"""Whether a quota lets one more task in: decided from what was counted, and the time."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from bus import quotas, subjects
from bus.errors import QuotaExceeded
from bus.messages import Claims, Role
from bus.messages.usage import PutQuota, Quota, QuotaKind, QuotaPeriod, QuotaUnit
from bus.testing import InMemoryBus

NOON = datetime(2026, 12, 31, 12, tzinfo=UTC)
KEY = UUID("22222222-2222-4222-8222-222222222222")
ANNA = Claims(sub="anna", roles=(Role.DEVELOPER,), key_id=KEY)


def quota(used: float, most: float = 100, period: QuotaPeriod = QuotaPeriod.DAY, **more: object) -> Quota:
    found = Quota(
        kind=QuotaKind.USER,
        name="anna",
        unit=QuotaUnit.TOKENS,
        period=period,
        most=most,
        used=used,
        since=quotas.begins(period, NOON),
        set_by="admin",
    )
    return found.model_copy(update=more)


@pytest.mark.parametrize(("used", "refused"), [(0, False), (99.9, False), (100, True), (1000, True)])
def test_what_is_left_lets_a_task_in_and_nothing_left_does_not(used: float, refused: bool) -> None:
    assert (quotas.refusal([quota(used)], NOON) is not None) is refused


def test_a_quota_of_nothing_lets_nothing_in() -> None:
    assert quotas.refusal([quota(0, most=0)], NOON) is not None
    assert quotas.refusal([], NOON) is None


def test_the_refusal_says_whose_quota_how_much_and_when_it_resets() -> None:
    error = quotas.refusal([quota(120)], NOON)
    assert isinstance(error, QuotaExceeded)
    assert (error.code, error.http_status, error.retry_after_seconds) == ("quota_exceeded", 429, 12 * 3600)
    assert "user anna, 100 tokens a day" in error.message
    assert "2027-01-01T00:00:00Z" in error.message


def test_energy_is_held_back_and_told_in_watt_hours() -> None:
    error = quotas.refusal([quota(2.54, most=2.5, unit=QuotaUnit.WATT_HOURS)], NOON)
    assert error is not None
    assert "user anna, 2.5 watt hours a day, is used up (2.5 watt hours)" in error.message
    assert {key.split(".")[2] for key in quotas.keys_of(ANNA)} == {"tokens", "seconds", "watt_hours"}


def test_of_several_that_are_used_up_the_one_that_resets_last_is_told() -> None:
    early = datetime(2026, 12, 5, 12, tzinfo=UTC)
    month = quota(200, period=QuotaPeriod.MONTH, since=quotas.begins(QuotaPeriod.MONTH, early))
    error = quotas.refusal([quota(200, since=quotas.begins(QuotaPeriod.DAY, early)), month], early)
    assert error is not None
    assert "a month" in error.message
    assert "2027-01-01" in error.message


def test_what_was_counted_yesterday_is_not_held_against_today_though_nobody_counts() -> None:
    tomorrow = datetime(2027, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert quotas.refusal([quota(100)], tomorrow) is None
    assert quotas.refusal([quota(100, period=QuotaPeriod.MONTH)], tomorrow) is None


def test_months_and_days_are_of_utc_and_of_any_length() -> None:
    assert quotas.resets(QuotaPeriod.MONTH, datetime(2028, 2, 10, tzinfo=UTC)) == datetime(2028, 3, 1, tzinfo=UTC)
    assert quotas.resets(QuotaPeriod.DAY, datetime(2028, 2, 28, 23, 59, tzinfo=UTC)) == datetime(2028, 2, 29, tzinfo=UTC)


def test_a_key_s_quota_names_a_key_by_its_id() -> None:
    with pytest.raises(ValueError, match="badly formed"):
        PutQuota(kind=QuotaKind.KEY, name="anna", unit=QuotaUnit.TOKENS, period=QuotaPeriod.DAY, most=1)


@pytest.mark.parametrize("written", [str(KEY).upper(), f"urn:uuid:{KEY}", KEY.hex])
def test_a_key_has_one_name_however_its_id_is_written(written: str) -> None:
    wanted = PutQuota(kind=QuotaKind.KEY, name=written, unit=QuotaUnit.TOKENS, period=QuotaPeriod.DAY, most=1)
    assert wanted.name == str(KEY)


async def test_a_door_decides_by_the_bucket_alone_and_by_all_quotas_that_a_caller_has() -> None:
    bus = InMemoryBus()
    held = quotas.Quotas(bus)
    await held.start()
    held.require(ANNA, NOON)
    of_key = quota(100, kind=QuotaKind.KEY, name=str(KEY), unit=QuotaUnit.SECONDS)
    place = quotas.bucket_key(of_key.kind, of_key.name, of_key.unit, of_key.period)
    await bus.put(subjects.KV_QUOTAS, place, of_key)
    with pytest.raises(QuotaExceeded, match="key 2222"):
        held.require(ANNA, NOON)
    held.require(ANNA.model_copy(update={"key_id": None}), NOON)
    await bus.delete(subjects.KV_QUOTAS, place)
    held.require(ANNA, NOON)
    await held.close()


def test_a_quota_is_a_person_s_of_one_tenant_and_a_key_s_in_all() -> None:
    place = (QuotaUnit.TOKENS, QuotaPeriod.DAY)
    of_anna, of_acme, of_key = (
        quotas.bucket_key(QuotaKind.USER, "anna", *place),
        quotas.bucket_key(QuotaKind.USER, "anna", *place, "acme"),
        quotas.bucket_key(QuotaKind.KEY, str(KEY), *place, "acme"),
    )
    elsewhere = quotas.keys_of(ANNA.model_copy(update={"tenant": "acme"}))
    assert of_anna in quotas.keys_of(ANNA)
    assert of_acme not in quotas.keys_of(ANNA)
    assert (of_anna in elsewhere, of_acme in elsewhere, of_key in elsewhere) == (False, True, True)
