"""Which workflow may call which: n8n's `callerPolicy`, a setting of the one that is called. Pure.

What is called runs with the rights of whoever saved it, so whoever saved it says who may call it (ADR 0028).
"""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from bus.errors import PermissionDenied
from bus.messages import Claims
from workflow.n8n.document import Workflow


class CallerPolicy(StrEnum):
    ANY = "any"
    """Any workflow of the tenant."""
    SAME_OWNER = "workflowsFromSameOwner"
    LISTED = "workflowsFromAList"
    NONE = "none"

    @classmethod
    def of(cls, workflow: Workflow) -> "CallerPolicy":
        """What is not known closes rather than opens."""
        given = workflow.settings.get("callerPolicy")
        if given in (None, ""):
            return cls.SAME_OWNER
        return cls(given) if given in list(cls) else cls.NONE


def listed(workflow: Workflow) -> Sequence[str]:
    """The ids that `workflowsFromAList` lets in: of Hive, or of n8n."""
    return [each.strip() for each in str(workflow.settings.get("callerIds") or "").split(",") if each.strip()]


def require_callable(called: Workflow, owner: Claims, caller: Claims, caller_id: UUID | None, allowed: Sequence[UUID]) -> None:
    """PermissionDenied. `owner` saved what is called, and `caller` what calls; `allowed` is `listed`, resolved."""
    policy = CallerPolicy.of(called)
    if policy is CallerPolicy.ANY or (policy is CallerPolicy.SAME_OWNER and owner.sub == caller.sub):
        return
    if policy is CallerPolicy.LISTED and caller_id is not None and caller_id in allowed:
        return
    raise PermissionDenied(
        f"The workflow {called.name!r} may not be called from here: its setting `callerPolicy` is `{policy}`, "
        f"and {caller.sub} is not who saved it. Whoever saved it can let others call it."
    )


def may_call(called: Workflow, owner: Claims, person: Claims) -> bool:
    """Whether somebody may call it who is no workflow: who saved it, or anybody of the tenant where it is open to any."""
    return CallerPolicy.of(called) is CallerPolicy.ANY or (
        CallerPolicy.of(called) is CallerPolicy.SAME_OWNER and owner.sub == person.sub
    )


def require_may_call(called: Workflow, owner: Claims, person: Claims) -> None:
    """PermissionDenied unless `may_call`."""
    if not may_call(called, owner, person):
        raise PermissionDenied(
            f"The workflow {called.name!r} runs with the rights of {owner.sub}, and {person.sub} may not call it: its setting "
            f"`callerPolicy` is `{CallerPolicy.of(called)}`. Run it by hand, with your own rights, or have its saver set it to `any`."
        )
