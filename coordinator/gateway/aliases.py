"""Aliases of models: kept in a bucket that every gateway has a copy of, and so in force at once and without a coordinator."""

from bus import subjects
from bus.auth import Permission
from bus.client import Bus
from bus.errors import ModelNotFound
from bus.messages import NoReply
from bus.messages.aliases import AliasList, AliasRef, ModelAlias
from bus.mirror import Mirror
from bus.service import Call, Endpoint, Service
from bus.version import hive_version


class Aliases:
    def __init__(self, bus: Bus, mirror: Mirror[ModelAlias]) -> None:
        self._bus, self._mirror = bus, mirror

    def list(self) -> AliasList:
        """By name."""
        return AliasList(aliases=tuple(sorted(self._mirror.items.values(), key=lambda alias: alias.alias)))

    async def set(self, alias: ModelAlias) -> ModelAlias:
        """In place of what the name stood for before."""
        await self._bus.put(subjects.KV_ALIASES, subjects.model_key(alias.alias), alias)
        return alias

    async def remove(self, alias: str) -> None:
        """ModelNotFound when the name stands for nothing."""
        key = subjects.model_key(alias)
        if await self._mirror.find(key) is None:
            raise ModelNotFound(f"There is no alias {alias}. `hive models aliases` lists them.")
        await self._bus.delete(subjects.KV_ALIASES, key)


def alias_service(aliases: Aliases) -> Service:
    """Every gateway serves it; requests are shared among them."""

    async def list_all(_call: Call[NoReply]) -> AliasList:
        return aliases.list()

    async def put(call: Call[ModelAlias]) -> ModelAlias:
        return await aliases.set(call.body)

    async def remove(call: Call[AliasRef]) -> NoReply:
        await aliases.remove(call.body.alias)
        return NoReply()

    view, manage = Permission.MODELS_VIEW, Permission.MODELS_MANAGE
    endpoints = (
        Endpoint(verb="aliases", body=NoReply, handler=list_all, permission=view, description="Every alias."),
        Endpoint(verb="alias", body=ModelAlias, handler=put, permission=manage, description="Name models by another name."),
        Endpoint(verb="unalias", body=AliasRef, handler=remove, permission=manage, description="Forget an alias."),
    )
    return Service(
        name=subjects.SERVICE_MODELS, part="aliases", version=hive_version(), description="Names of models", endpoints=endpoints
    )
