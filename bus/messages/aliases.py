"""Other names for models, and what stands in for a model that is not there."""

from typing import Self

from pydantic import Field, model_validator

from bus.messages.base import Command, Record
from bus.messages.models import ModelName
from bus.model_names import tagged

MAX_CHAIN = 8


class AliasTargets(Command):
    """The models that a name stands for, the first one first: the others are taken where none before them is on a host that is there."""

    models: tuple[ModelName, ...] = Field(min_length=1, max_length=MAX_CHAIN)


class ModelAlias(AliasTargets):
    """One name. It may be that of a model: then that model's stand-ins are named behind itself."""

    alias: ModelName

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        names = [tagged(model) for model in self.models]
        if len(set(names)) != len(names):
            raise ValueError("a model is named twice")
        return self


class AliasList(Record):
    aliases: tuple[ModelAlias, ...]
