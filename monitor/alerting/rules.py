"""Rules as they are put, in a file or as defaults, made ready to be held against what is measured. Pure but for reading its own defaults."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import yaml
from pydantic import ValidationError

from bus.codec import explain
from bus.errors import Conflict, InvalidRequest
from bus.messages.alerts import MOST_RULES, AlertRule, AlertScope, ChangeRule, PutRules, RuleSet, RuleSource
from monitor.alerting.conditions import AVAILABLE, QUEUE_LENGTH, Condition, parse

DEFAULTS: Final = "default_rules.yaml"


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    written: AlertRule
    condition: Condition

    @property
    def scope(self) -> AlertScope:
        return self.written.scope

    @property
    def inhibits(self) -> bool:
        """Whether it silences the other alerts of the same agent. An agent that is down says nothing more that matters; a condition that
        is about more than that may hold of one that is well."""
        told = self.written.inhibits
        return self.scope is AlertScope.AGENT and (self.condition.reads == {AVAILABLE} if told is None else told)


def read(text: str) -> dict[str, AlertRule]:
    """The seed's YAML. InvalidRequest, in words, with the rule that is wrong."""
    try:
        return PutRules.model_validate(yaml.safe_load(text)).alerts
    except yaml.YAMLError as error:
        raise InvalidRequest(f"The rules are no YAML: {error}") from None
    except ValidationError as error:
        raise explain(error) from None


def ready(written: Mapping[str, AlertRule]) -> tuple[Rule, ...]:
    """Those that are enabled, and of them those that inhibit others first. InvalidRequest for a condition that cannot be read."""
    rules = [rule for rule in (_ready(name, rule) for name, rule in written.items()) if rule.written.enabled]
    return tuple(sorted(rules, key=lambda rule: (not rule.inhibits, rule.name)))


def readable(written: Mapping[str, AlertRule]) -> tuple[dict[str, AlertRule], dict[str, str]]:
    """Those whose condition this version can read, and what is wrong with each of the others: of one that another version took, the rest holds."""
    good, bad = dict[str, AlertRule](), dict[str, str]()
    for name, rule in written.items():
        try:
            _ready(name, rule)
            good[name] = rule
        except InvalidRequest as error:
            bad[name] = error.message
    return good, bad


def _ready(name: str, rule: AlertRule) -> Rule:
    try:
        return Rule(name, rule, parse(rule.condition, rule.scope))
    except InvalidRequest as error:
        raise InvalidRequest(f"`alerts.{name}.condition`: {error.message}") from None


def changed(rules: Mapping[str, AlertRule], wanted: ChangeRule) -> dict[str, AlertRule]:
    """All of them, as they are then. Conflict where somebody else has changed this one; InvalidRequest for one too many."""
    if rules.get(wanted.name) != wanted.before:
        raise Conflict(f"The rule {wanted.name} is not as it was when you began. Look at it as it is now, and change it then.")
    others = {name: rule for name, rule in rules.items() if name != wanted.name}
    if wanted.rule is None:
        return others
    if len(others) >= MOST_RULES:
        raise InvalidRequest(f"There are {MOST_RULES} rules, which is all that there may be. Delete one first.")
    return {**rules, wanted.name: wanted.rule}


def windows(rules: tuple[Rule, ...]) -> dict[str, float]:
    """The longest that any asks for, in seconds by metric."""
    found: dict[str, float] = {}
    for rule in rules:
        for metric, seconds in rule.condition.windows.items():
            found[metric] = max(found.get(metric, 0.0), seconds)
    return found


def given(path: Path | None) -> RuleSet:
    """Those of the file, or the defaults. InvalidRequest, in words, for a file that cannot be read."""
    if path is None:
        return RuleSet(alerts=dict(defaults()), source=RuleSource.DEFAULT)
    try:
        rules = read(path.read_text())
        # The name that versions before took, and no agent has: such a rule alone is not watched, since a file outlives an upgrade.
        ready({name: rule for name, rule in rules.items() if QUEUE_LENGTH not in rule.condition})
    except OSError as error:
        raise InvalidRequest(f"HIVE_ALERT_RULES names {path}, which cannot be read: {error.strerror}.") from None
    except InvalidRequest as error:
        raise InvalidRequest(f"HIVE_ALERT_RULES names {path}, which holds no rules: {error.message}") from None
    return RuleSet(alerts=rules, source=RuleSource.FILE)


@cache
def defaults() -> Mapping[str, AlertRule]:
    return read(files(__package__).joinpath(DEFAULTS).read_text())
