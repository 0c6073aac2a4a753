"""The verbs of usage, answered while PostgreSQL is there."""

from typing import TYPE_CHECKING

from bus import subjects
from bus.auth import Permission
from bus.messages import NoReply
from bus.messages.usage import ListUsage, PutQuota, Quota, QuotaList, QuotaRef, SlowHosts, UsageReport
from bus.service import Call, Endpoint, Service
from bus.tenancy import scope
from bus.version import hive_version

if TYPE_CHECKING:
    from monitor.usage.quotas import QuotaBook
    from monitor.usage.usage import UsageReads

_VIEW, _MANAGE = Permission.METRICS_VIEW, Permission.QUOTAS_MANAGE


def usage_service(reads: "UsageReads", book: "QuotaBook") -> Service:
    async def report(call: Call[ListUsage]) -> UsageReport:
        return await reads.report(call.body, scope(call.claims))

    async def slow_hosts(call: Call[NoReply]) -> SlowHosts:
        return await reads.slow()

    async def quotas(call: Call[NoReply]) -> QuotaList:
        return await book.listed(scope(call.claims))

    async def put_quota(call: Call[PutQuota]) -> Quota:
        return await book.put(call.body, call.claims.sub)

    async def remove_quota(call: Call[QuotaRef]) -> QuotaList:
        return await book.remove(call.body)

    def endpoint(verb: str, body: type, handler: object, permission: Permission, description: str) -> Endpoint:
        return Endpoint(verb=verb, body=body, handler=handler, permission=permission, description=description)  # type: ignore[arg-type]

    return Service(
        name=subjects.SERVICE_USAGE,
        version=hive_version(),
        description="What was used, and how much may be",
        endpoints=(
            endpoint("report", ListUsage, report, _VIEW, "{by, since, until} -> tokens, seconds and energy"),
            endpoint("slow_hosts", NoReply, slow_hosts, _VIEW, "{} -> agents slower than they were"),
            endpoint("quotas", NoReply, quotas, _VIEW, "{} -> every quota and what of it is used"),
            endpoint("put_quota", PutQuota, put_quota, _MANAGE, "{tenant, kind, name, unit, period, most} -> the quota"),
            endpoint(
                "remove_quota", QuotaRef, remove_quota, _MANAGE, "{tenant, kind, name, unit, period} -> those that are left"
            ),
        ),
    )
