"""How a goal becomes parts, by what the agents offer."""

import pytest

from bus.errors import InvalidRequest, PayloadTooLarge
from bus.messages import AgentRecord, AgentStatus, Capability, Claims, ModelInfo, Requirements, Role
from bus.messages.merits import AgentMerits, CapabilityScore
from coordinator.gateway.devtasks.parts import MAX_CHARACTERS, Material, Part, PartKind, SourceFile
from coordinator.gateway.devtasks.planning import in_order, notes_of, offers, planned, require_bounds, require_somebody

ANNA = Claims(sub="anna", roles=(Role.DEVELOPER,))
GOAL, CHANGE = Material(goal="Round up."), Material(goal="Round up.", diff="--- a/x\n+++ b/x\n")


def agent(
    name: str = "acacia", *models: str, status: AgentStatus = AgentStatus.ONLINE, limit: int | None = None, **offered: float
) -> AgentRecord:
    return AgentRecord(
        agent_id=name,
        name=name,
        endpoint="http://127.0.0.1:1",
        status=status,
        capabilities=tuple(Capability(name=each, proficiency=proficiency) for each, proficiency in offered.items()),
        models=tuple(ModelInfo(name=model, context_limit=limit) for model in models or ("small:1b",)),
    )


def plan(material: Material, *agents: AgentRecord, wanted: tuple[PartKind, ...] = (), claims: Claims = ANNA) -> dict[str, Part]:
    return {part.name: part for part in planned(material, wanted, offers(agents, claims), claims)}


def part(name: str, *before: str, **more: object) -> Part:
    return Part.model_validate({"name": name, "kind": "other", "instructions": "Do.", "depends_on": before, **more})


def asked(found: Part) -> dict[str, float]:
    return found.require.capabilities


def test_a_goal_is_written_first_and_then_reviewed_tested_and_described() -> None:
    found = plan(GOAL, agent(code=0.9, review=0.5, test=0.5, docs=0.5))
    assert {name: each.depends_on for name, each in found.items()} == {
        "code": (),
        "review": ("code",),
        "test": ("code",),
        "docs": ("code",),
    }


def test_a_diff_is_written_already() -> None:
    found = plan(CHANGE, agent(code=0.9))
    assert {name: each.depends_on for name, each in found.items()} == {"review": (), "test": (), "docs": ()}
    assert list(plan(CHANGE, agent(), wanted=(PartKind.CODE, PartKind.REVIEW, PartKind.CODE))) == ["code", "review"]


def test_a_part_asks_for_nearly_the_best_that_is_offered() -> None:
    found = plan(GOAL, agent("acacia", code=0.9), agent("birch", code=0.5, code_review=1.0))
    assert asked(found["code"]) == {"code": 0.72}
    assert asked(found["review"]) == {"code_review": 0.8}
    assert found["review"].notes == ()


def test_what_was_measured_counts_before_what_was_declared() -> None:
    merits = AgentMerits(capabilities=(CapabilityScore(name="code", declared=0.9, effective=0.5),))
    assert asked(plan(GOAL, agent(code=0.9).model_copy(update={"merits": merits}))["code"]) == {"code": 0.4}


def test_where_nobody_offers_it_the_plan_says_so_and_takes_what_there_is() -> None:
    coder = plan(GOAL, agent(code=0.5))
    assert asked(coder["review"]) == {"code": 0.4}
    assert "offers review or code_review" in coder["review"].notes[0]
    assert "asks for code" in coder["review"].notes[0]
    nobody = plan(GOAL, agent())
    assert asked(nobody["code"]) == {}
    assert "any agent may do this" in nobody["code"].notes[0]


def test_only_agents_that_take_work_and_have_a_model_of_the_keys_count() -> None:
    away = agent("birch", status=AgentStatus.OFFLINE, code=1.0)
    draining = agent("cedar", status=AgentStatus.DRAINING, code=1.0)
    assert asked(plan(GOAL, agent(code=0.5), away, draining)["code"]) == {"code": 0.4}
    assert notes_of(offers((away, draining), ANNA))
    limited = ANNA.model_copy(update={"models": ("small:1b",)})
    found = plan(GOAL, agent("acacia", "small:1b", code=0.5), agent("oak", "large:70b", code=1.0), claims=limited)
    assert (asked(found["code"]), found["code"].model) == ({"code": 0.4}, "small:1b")


def test_nobody_at_all_is_a_note_and_no_failure() -> None:
    found = plan(GOAL)
    assert [asked(each) for each in found.values()] == [{}] * 4
    assert notes_of(()) == ("No agent takes work just now (list_agents tells why): the parts wait until one does.",)
    assert plan(GOAL, claims=ANNA.model_copy(update={"models": ("small:1b",)}))["code"].model == "small:1b"


def test_more_than_a_model_reads_is_said() -> None:
    long = Material(goal="Shorten.", files=(SourceFile(path="a", content="x" * 40_000),))
    assert "10,000 tokens" in plan(long, agent(limit=8192))["docs"].notes[-1]
    assert plan(long, agent(limit=131_072, code=1, review=1, test=1, docs=1))["docs"].notes == ()


def test_too_much_is_refused_with_what_to_do() -> None:
    with pytest.raises(PayloadTooLarge, match=r"400,000 are the most. Send the files that matter"):
        require_bounds(Material(goal="Read.", diff="x" * (MAX_CHARACTERS + 1)))
    require_bounds(Material(goal="Read.", diff="x" * MAX_CHARACTERS))


def test_parts_come_after_those_that_they_depend_on() -> None:
    found = in_order((part("last", "first", "second"), part("second", "first"), part("first")))
    assert [each.name for each in found] == ["first", "second", "last"]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((), "1 to 12"),
        (tuple(part(f"p{number}") for number in range(13)), "these are 13"),
        ((part("a"), part("a")), "same name"),
        ((part("a", "b"),), "'a' depends on 'b'"),
        ((part("a", "b"), part("b", "a")), "in a circle"),
        ((part("a", "a"),), "in a circle"),
    ],
)
def test_a_plan_that_cannot_be_run_is_refused(parts: tuple[Part, ...], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        in_order(parts)


def test_a_part_that_nobody_could_ever_do_is_refused() -> None:
    wanted = part("a", require=Requirements(capabilities={"poetry": 0.5}))
    with pytest.raises(InvalidRequest, match=r"poetry of at least 0.5, which no agent offers.*Offered: code 0.9"):
        require_somebody((wanted,), (agent(code=0.9),))
    require_somebody((wanted,), (agent(status=AgentStatus.OFFLINE, poetry=0.5),))
    require_somebody((part("a"),), ())
