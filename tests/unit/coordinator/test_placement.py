"""Where models go: tried by cases, and by fleets and wishes of every kind."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.messages.models import ModelAction, ModelWish, Pins, PlannedAction, ReplicaState
from coordinator.models.inventory import GIB
from coordinator.models.placement import Fleet, Held, Host, Limits, Plan, footprint, plan

LIMITS = Limits()
A, B, C = "a:1b", "b:1b", "c:1b"
PULL, LOAD, UNLOAD = ModelAction.PULL, ModelAction.LOAD, ModelAction.UNLOAD
LONG = 1000.0


def held(gib: float = 4, *, loaded: bool = False, idle: float = LONG, **more: object) -> Held:
    size = int(gib * GIB)
    return Held(loaded=loaded, size_bytes=int(size / 1.2), memory_bytes=size if loaded else None, idle_seconds=idle, **more)  # type: ignore[arg-type]


def warm(gib: float = 4, **more: object) -> Held:
    return held(gib, loaded=True, **more)  # type: ignore[arg-type]


def host(agent_id: str, models: Mapping[str, Held] | None = None, *, gib: float | None = 16, **more: object) -> Host:
    return Host(agent_id=agent_id, models=models or {}, memory_bytes=None if gib is None else int(gib * GIB), **more)  # type: ignore[arg-type]


def wish(model: str = A, **more: object) -> ModelWish:
    return ModelWish.model_validate({"model": model, **more})


def done(wishes: list[ModelWish], *hosts: Host, **more: object) -> list[tuple[ModelAction, str, str]]:
    found = plan(wishes, Fleet(hosts=hosts, **more), LIMITS)  # type: ignore[arg-type]
    return [(action.action, action.agent_id, action.model) for action in found.actions]


def test_a_model_is_pulled_then_loaded_and_then_left_alone() -> None:
    assert done([wish()], host("oak")) == [(PULL, "oak", A)]
    assert done([wish()], host("oak", {A: held()})) == [(LOAD, "oak", A)]
    assert done([wish()], host("oak", {A: warm()})) == []


def test_where_it_is_in_memory_it_stays_though_another_is_preferred() -> None:
    preferring = [wish(prefer=["oak"])]
    assert done(preferring, host("elm", {A: warm()}), host("oak", {A: held()})) == []
    assert done(preferring, host("elm", {A: held()}), host("oak", {A: held()})) == [(LOAD, "oak", A)]
    assert done(preferring, host("elm", {A: held()}), host("oak")) == [(PULL, "oak", A)], "preference is stronger than the disk"


def test_replicas_by_number_and_all() -> None:
    fleet = (host("elm", {A: held()}), host("oak", {A: held()}), host("pine", {A: held()}, labels={"site": "attic"}))
    assert len(done([wish(replicas=2)], *fleet)) == 2
    assert len(done([wish(replicas="all")], *fleet)) == 3
    assert done([wish(replicas="all", pins={"labels": {"site": "attic"}})], *fleet) == [(LOAD, "pine", A)]
    assert done([wish(replicas=2, pins={"agents": ["elm", "oak"]})], *fleet) == [(LOAD, "elm", A), (LOAD, "oak", A)]


def test_an_impossible_wish_says_which_agent_lacks_what() -> None:
    fleet = Fleet(
        hosts=(
            host("cpu", gib=2, models={A: held()}),
            host("elm", {A: held()}, absence="offline: its connection to the bus closed", away_seconds=inf),
            host("llamacpp", takes_orders=False),
            host("oak", {A: held()}),
        )
    )
    [state] = plan([wish(replicas=3, prefer=["nowhere"])], fleet, LIMITS).states
    assert state.lacking == {
        "cpu": "it has 2.0 GiB of memory, and about 4.0 GiB are needed",
        "elm": "it is offline: its connection to the bus closed",
        "llamacpp": "its backend takes no orders about models, and does not have it in memory",
        "nowhere": "no agent of that name has registered",
    }
    assert state.problem is not None
    assert "only 1 of 3" in state.problem
    assert (state.wanted, state.ready, [replica.agent_id for replica in state.replicas]) == (3, 0, ["oak"])


def test_earlier_wishes_take_their_room_first_and_it_is_said_so() -> None:
    fleet = Fleet(hosts=(host("oak", {A: held(10), B: held(10)}),))
    first, second = plan([wish(A), wish(B)], fleet, LIMITS).states
    assert [replica.agent_id for replica in first.replicas] == ["oak"]
    assert second.lacking == {
        "oak": "it has 16.0 GiB of memory, of which wishes before this one take 10.0 GiB, and about 10.0 GiB are needed"
    }


def test_a_host_that_is_away_keeps_its_place_for_a_while_and_then_another_is_chosen() -> None:
    def fleet(seconds: float) -> tuple[Host, Host]:
        return host("elm", {A: warm()}, absence="offline", away_seconds=seconds), host("oak", {A: held()})

    assert done([wish()], *fleet(LIMITS.patience_seconds - 1)) == []
    assert done([wish()], *fleet(LIMITS.patience_seconds)) == [(LOAD, "oak", A)]
    back = host("elm", {A: warm()}), host("oak", {A: warm(idle=0)})
    assert done([wish()], *back) == [], "the copy that is too many has just been used"
    assert done([wish()], *(replace(h, models={A: warm()}) for h in back)) == [(UNLOAD, "oak", A)]


def test_a_host_that_drains_is_replaced_at_once() -> None:
    assert done([wish()], host("elm", {A: warm()}, absence="draining", away_seconds=inf), host("oak", {A: held()})) == [
        (LOAD, "oak", A)
    ]


def test_room_is_made_by_the_one_that_was_idle_for_longest_and_the_load_comes_after() -> None:
    models = {A: held(8), B: warm(8, idle=100), C: warm(8, idle=500)}
    assert done([wish()], host("oak", models)) == [(UNLOAD, "oak", C)]
    assert done([wish()], host("oak", {**models, C: held(8)})) == [(LOAD, "oak", A)]


@pytest.mark.parametrize(
    ("other", "waiting"),
    [
        (warm(12, running=1), []),
        (warm(12), [B]),
        (warm(12, idle=LIMITS.evict_idle_seconds - 1), []),
    ],
    ids=["it works", "tasks wait for it", "it was used a moment ago"],
)
def test_a_model_that_is_used_is_never_unloaded_for_another(other: Held, waiting: list[str]) -> None:
    fleet = Fleet(hosts=(host("oak", {A: held(8), B: other}),), waited_for=waiting)
    found = plan([wish()], fleet, LIMITS)
    assert found.actions == ()
    assert found.states[0].replicas[0].state is ReplicaState.WAITING
    assert f"and {B} cannot go now" in found.states[0].replicas[0].reason


@pytest.mark.parametrize("kept", [{"never_evict": True}, {"pins": {"agents": ["oak"]}}])
def test_what_is_never_evicted_or_pinned_stays(kept: dict[str, object]) -> None:
    crowd = host("oak", {A: held(8), B: warm(12)}), host("pine", {B: warm(12)})
    assert (UNLOAD, "oak", B) not in done([wish(A, pins={"agents": ["oak"]}), wish(B, replicas="all", **kept)], *crowd)


def test_downloads_are_bounded_and_loads_are_one_an_agent() -> None:
    fleet = [host(f"h{n}") for n in range(5)]
    assert len(done([wish(replicas=5)], *fleet)) == LIMITS.pulls_at_once
    assert done([wish(replicas=5)], *fleet, under_way={(PULL, "h0", A), (PULL, "h1", A)}) == []
    assert done([wish(A), wish(B)], host("oak", {A: held(), B: held()})) == [(LOAD, "oak", A)]


def test_what_failed_is_not_tried_again_at_once_and_another_agent_is_taken() -> None:
    resting = {(PULL, "elm", A): "pull failed: no space left"}
    assert done([wish()], host("elm"), host("oak"), resting=resting) == [(PULL, "oak", A)]
    [state] = plan([wish()], Fleet(hosts=(host("elm"),), resting=resting), LIMITS).states
    assert state.replicas[0].reason == "pull failed: no space left"


def test_a_model_with_another_context_is_loaded_anew_once_nobody_uses_it() -> None:
    wished = [wish(num_ctx=8192)]
    assert done(wished, host("oak", {A: warm(context=4096)})) == [(LOAD, "oak", A)]
    assert done(wished, host("oak", {A: warm(context=4096, running=1)})) == []
    assert done(wished, host("oak", {A: warm(context=8192)})) == []
    assert done(wished, host("oak", {A: warm(context=4096, context_limit=4096)})) == [], "it was made for no more"


def test_a_wish_for_none_lets_it_go_where_it_is_idle() -> None:
    assert done([wish(replicas=0)], host("oak", {A: warm()})) == [(UNLOAD, "oak", A)]
    assert done([wish(replicas=0)], host("oak", {A: warm(running=1)})) == []
    assert done([], host("oak", {A: warm()})) == [], "what is not wished is not Hive's to unload"


# Fleets and wishes of every kind

NAMES = (A, B, C)
AGENTS = ("elm", "oak", "pine", "yew")


def holdings() -> st.SearchStrategy[Held]:
    return st.builds(
        lambda gib, loaded, running, idle: held(
            gib, loaded=loaded, running=running if loaded else 0, idle=0 if running else idle
        ),
        st.sampled_from([2.0, 6.0, 10.0]),
        st.booleans(),
        st.sampled_from([0, 0, 0, 1]),
        st.sampled_from([0.0, 60.0, LONG]),
    )


def hosts() -> st.SearchStrategy[tuple[Host, ...]]:
    def build(agent_id: str) -> st.SearchStrategy[Host]:
        return st.builds(
            lambda models, gib, label, absent: host(
                agent_id,
                models,
                gib=gib,
                labels={"site": label},
                absence="offline" if absent is not None else None,
                away_seconds=absent or 0.0,
            ),
            st.dictionaries(st.sampled_from(NAMES), holdings()),
            st.sampled_from([None, 8.0, 16.0, 24.0]),
            st.sampled_from(["attic", "basement"]),
            st.sampled_from([None, None, None, 5.0, inf]),
        )

    return st.tuples(*(build(agent_id) for agent_id in AGENTS))


def wishes() -> st.SearchStrategy[list[ModelWish]]:
    one = st.builds(
        lambda model, replicas, agents, label, never_evict, prefer: ModelWish(
            model=model,
            replicas=replicas,
            pins=Pins(agents=tuple(agents), labels={"site": label} if label else {}),
            never_evict=never_evict,
            prefer=tuple(prefer),
        ),
        st.sampled_from(NAMES),
        st.sampled_from([0, 1, 2, 3, "all"]),
        st.sampled_from([(), (), ("elm",), ("elm", "oak")]),
        st.sampled_from([None, None, "attic"]),
        st.booleans(),
        st.lists(st.sampled_from(AGENTS), max_size=2, unique=True),
    )
    return st.lists(one, max_size=3, unique_by=lambda wish: wish.model)


def carried_out(hosts: Iterable[Host], actions: Iterable[PlannedAction]) -> tuple[Host, ...]:
    """The fleet after what was ordered has happened, and time has passed."""
    found = {host.agent_id: host for host in hosts}
    for action in actions:
        there = found[action.agent_id]
        models = dict(there.models)
        size = next((copy for other in found.values() if (copy := other.models.get(action.model))), held(2))
        match action.action:
            case ModelAction.PULL:
                models[action.model] = replace(size, loaded=False, memory_bytes=None, running=0)
            case ModelAction.LOAD:
                models[action.model] = replace(models[action.model], loaded=True, memory_bytes=footprint(models[action.model]))
            case ModelAction.UNLOAD:
                models[action.model] = replace(models[action.model], loaded=False, memory_bytes=None)
        found[action.agent_id] = replace(there, models=models)
    aged = {
        name: {m: replace(h, idle_seconds=0 if h.running else LONG) for m, h in each.models.items()}
        for name, each in found.items()
    }
    return tuple(replace(each, models=aged[name]) for name, each in found.items())


def loaded(hosts: Iterable[Host], model: str) -> int:
    return sum(host.models[model].loaded for host in hosts if host.absence is None and model in host.models)


def pinned(wish: ModelWish, host: Host) -> bool:
    named = not wish.pins.agents or host.agent_id in wish.pins.agents
    return wish.pins != Pins() and named and wish.pins.labels.items() <= dict(host.labels).items()


def suitable(hosts: Iterable[Host], found: Plan, wish: ModelWish) -> list[Host]:
    """Those that the wish may be on: a copy elsewhere does not count."""
    [state] = [state for state in found.states if state.model == wish.model]
    return [host for host in hosts if host.agent_id not in state.lacking]


@settings(max_examples=300)
@given(hosts(), wishes(), st.sets(st.sampled_from(NAMES)))
def test_every_plan_that_is_carried_out_ends_in_one_that_is_empty(
    fleet: tuple[Host, ...], wished: list[ModelWish], waited_for: set[str]
) -> None:
    for _ in range(40):
        found = plan(wished, Fleet(hosts=fleet, waited_for=waited_for), LIMITS)
        if not found.actions:
            break
        fleet = carried_out(fleet, found.actions)
    assert not found.actions, "it flaps"


@settings(max_examples=300)
@given(hosts(), wishes(), st.sets(st.sampled_from(NAMES)))
def test_no_plan_takes_what_must_stay_or_loads_more_than_is_wished(
    fleet: tuple[Host, ...], wished: list[ModelWish], waited_for: set[str]
) -> None:
    by_model = {wish.model: wish for wish in wished}
    for _ in range(12):
        by_agent = {host.agent_id: host for host in fleet}
        found = plan(wished, Fleet(hosts=fleet, waited_for=waited_for), LIMITS)
        for state in found.states:
            target = by_model[state.model].replicas
            assert target == "all" or len(state.replicas) <= target
        for action in found.actions:
            there, wish = by_agent[action.agent_id], by_model.get(action.model)
            assert there.absence is None
            if action.action is UNLOAD:
                going = there.models[action.model]
                assert going.loaded
                assert not going.running
                assert action.model not in waited_for
                kept = wish is not None and (wish.never_evict or pinned(wish, there)) and wish.replicas != 0
                surplus = wish is not None and wish.replicas != "all" and loaded(fleet, action.model) > wish.replicas
                assert not kept or surplus, "only a copy that is too many of what must stay may go"
            if action.action is LOAD and not there.models[action.model].loaded:
                assert wish is not None
                assert wish.replicas == "all" or loaded(suitable(fleet, found, wish), action.model) < wish.replicas
        after = carried_out(fleet, found.actions)
        for wish in wished:
            if wish.replicas != "all":
                before = loaded(suitable(fleet, found, wish), wish.model)
                assert loaded(suitable(after, found, wish), wish.model) <= max(wish.replicas, before)
        fleet = after
