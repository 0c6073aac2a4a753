"""`hive login`: a new one-time link to the dashboard."""

from bus import subjects
from bus.messages import LoginTicket, Message, NoReply
from deploy.cli.command import Json, command, settings
from deploy.cli.connection import operator_bus, running
from deploy.cli.screen import note, print_json, say


class LoginLink(Message):
    url: str
    expires_seconds: int


@command
async def login(as_json: Json = False) -> None:
    """Print a one-time link to the dashboard, as an administrator."""
    gui = running(settings()).gui
    async with operator_bus() as bus:
        verb = subjects.service_verb(subjects.SERVICE_KEYS, "ticket")
        ticket = await bus.request(verb, NoReply(), LoginTicket, timeout=10)
    link = LoginLink(url=f"{gui}/login?ticket={ticket.ticket}", expires_seconds=ticket.expires_seconds)
    if as_json:
        print_json(link)
    else:
        say(link.url)
        note(f"Works once, for {link.expires_seconds} s.")
