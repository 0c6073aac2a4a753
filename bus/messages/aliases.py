"""Other names for models, and what stands in for a model that is not there."""

from typing import Self

from pydantic import Field, model_validator

from bus.messages.base import Command, Record
from bus.messages.models import ModelName
from bus.model_names import tagged

MAX_CHAIN = 8


class AliasTargets(Command):
    """The models that a name stands for, the best first: another is taken where none before it is on an agent that takes work."""

    models: tuple[ModelName, ...] = Field(min_length=1, max_length=MAX_CHAIN)

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        if len({tagged(model) for model in self.models}) != len(self.models):
            raise ValueError("a model is named twice")
        return self


class ModelAlias(AliasTargets):
    """One name. It may be that of a model: then its stand-ins are named behind itself."""

    alias: ModelName


class AliasRef(Command):
    alias: ModelName


class AliasList(Record):
    aliases: tuple[ModelAlias, ...]
