"""Who may call a workflow."""

from typing import Any
from uuid import uuid4

import pytest

from bus.errors import PermissionDenied
from bus.messages import Claims, Role
from tests.unit.workflow.build import node, workflow
from workflow.doors.calling import require_callable
from workflow.n8n.document import Workflow

ANNA, BO = (Claims(sub=name, roles=(Role.DEVELOPER,)) for name in ("anna", "bo"))
HERE, ELSEWHERE = uuid4(), uuid4()


def called(**settings: Any) -> Workflow:
    return workflow(node("Called", "executeWorkflowTrigger"), links=[], settings=settings)


@pytest.mark.parametrize("settings", [{}, {"callerPolicy": "workflowsFromSameOwner"}, {"callerPolicy": "any"}])
def test_a_saver_s_own_workflows_may(settings: dict[str, str]) -> None:
    require_callable(called(**settings), ANNA, ANNA, HERE, [])


@pytest.mark.parametrize("policy", ["workflowsFromSameOwner", "none", "workflowsFromAList", "a policy of a later version", ""])
def test_others_may_not_unless_it_says_so(policy: str) -> None:
    with pytest.raises(PermissionDenied, match="callerPolicy"):
        require_callable(called(callerPolicy=policy), ANNA, BO, HERE, [ELSEWHERE])


def test_others_may_where_any_or_they_are_let() -> None:
    require_callable(called(callerPolicy="any"), ANNA, BO, HERE, [])
    require_callable(called(callerPolicy="workflowsFromAList"), ANNA, BO, HERE, [ELSEWHERE, HERE])


def test_a_list_and_none_count_for_the_saver_too() -> None:
    for policy in ("none", "workflowsFromAList"):
        with pytest.raises(PermissionDenied):
            require_callable(called(callerPolicy=policy), ANNA, ANNA, HERE, [ELSEWHERE])
