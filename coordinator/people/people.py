"""What has to do with people, held together for the coordinator's composition root."""

from bus.client import Bus
from bus.service import Service
from coordinator.keys import Keys
from coordinator.people.standing import Standings
from coordinator.people.users import Users
from coordinator.store.database import Statements


class People:
    def __init__(self, bus: Bus, statements: Statements, keys: Keys) -> None:
        self._standings = Standings(bus, statements)
        self._users = Users(statements, keys, self._standings)

    def services(self) -> tuple[Service, ...]:
        return (self._users.service(),)

    async def mirror(self) -> None:
        """When a coordinator begins to lead: the doors' copies are made equal to the record."""
        await self._standings.mirror()
