"""Carries out `SendMail`, over a connection of its own to an address that the guard was asked about.

SMTP knows no idempotency keys, so a mail that is sent again has the Message-ID that it had: whoever receives both can tell.
"""

import asyncio
import base64
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from email.utils import getaddresses
from typing import Any, Final
from uuid import UUID, uuid5

import aiosmtplib
from aiosmtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

from bus.errors import RequestRefused
from workflow.core.effects import SendMail
from workflow.core.execution import Reply
from workflow.core.failure import Failure
from workflow.credentials.http_auth import cleared, forms
from workflow.outside.guard import Guard
from workflow.outside.reaching import address_of, tls
from workflow.running.fence import Fence

CONNECT_SECONDS: Final = 15.0
LEAVE_SECONDS: Final = 2.0
_IDS: Final = UUID("6b4f0a0e-1d0c-5b0e-9a53-5f3a3f6f7d21")


class MailCalls:
    """`fence`: passed before a mail is given away, once the server has let in."""

    def __init__(self, guard: Guard, fence: Fence | None = None) -> None:
        self._guard, self._fence = guard, fence or Fence()

    async def carry_out(self, effect: SendMail, data: Mapping[str, Any]) -> Reply:
        """Never raises: what goes wrong is the reply's failure, without the password."""
        secrets = _secrets(data)
        client: aiosmtplib.SMTP | None = None
        try:
            async with asyncio.timeout(effect.timeout_seconds):
                message = message_of(effect)
                client = await self._connect(data, verify=effect.verify_tls)
                await self._fence.passed()
                sent = await _sent(client, effect, message)
            return Reply(value=cleared(sent, secrets))
        except RequestRefused as error:
            return _failed(error.message, error.code)
        except TimeoutError:
            return _failed("The mail server did not answer in time", "deadline_exceeded")
        except (OSError, SMTPException, ValueError) as error:
            return _failed(cleared(_words(error), secrets))
        finally:
            if client is not None:
                await _left(client)

    async def test(self, data: Mapping[str, Any]) -> str:
        """RequestRefused where it cannot be reached, or does not let in."""
        try:
            async with asyncio.timeout(2 * CONNECT_SECONDS):
                await _left(await self._connect(data, verify=True))
        except TimeoutError:
            raise RequestRefused("The mail server did not answer in time") from None
        except (OSError, SMTPException, ValueError) as error:
            raise RequestRefused(cleared(_words(error), _secrets(data))) from None
        return "It lets in." if data.get("user") else "It answers."

    async def _connect(self, data: Mapping[str, Any], *, verify: bool) -> aiosmtplib.SMTP:
        """With TLS from the first byte (`secure`), else by STARTTLS where the server has it and `disableStartTls` does not say otherwise."""
        host, secure, plain = (
            str(data.get("host") or ""),
            data.get("secure", True) is not False,
            data.get("disableStartTls") is True,
        )
        try:
            port = int(data.get("port") or (465 if secure else 587))
        except (TypeError, ValueError):
            raise RequestRefused("The credential's port is no number.") from None
        address = await address_of(self._guard, host, port)
        client = aiosmtplib.SMTP(
            hostname=host,
            local_hostname=str(data["hostName"]) if data.get("hostName") else None,
            timeout=CONNECT_SECONDS,
            use_tls=secure,
            start_tls=False,
            tls_context=tls(host, verify=verify),
            sock=await _socket(address, port),
        )
        try:
            await client.connect()
            await _start(client, data, secure=secure, plain=plain)
        except BaseException:
            client.close()
            raise
        return client


async def _start(client: aiosmtplib.SMTP, data: Mapping[str, Any], *, secure: bool, plain: bool) -> None:
    """TLS, and the login. RequestRefused for a password that would go in the clear though nobody said that it may."""
    await client.ehlo()
    encrypted = secure
    if not secure and not plain and client.supports_extension("starttls"):
        await client.starttls()
        await client.ehlo()
        encrypted = True
    if not data.get("user"):
        return
    if not encrypted and not plain:
        raise RequestRefused(
            "The mail server offers no TLS, so it does not get the password. Set `disableStartTls` in the credential to send it in the clear."
        )
    await client.login(str(data["user"]), str(data.get("password") or ""))


async def _left(client: aiosmtplib.SMTP) -> None:
    """Whatever the server says to a goodbye, the mail was taken or refused before."""
    with suppress(SMTPException, OSError):
        await client.quit(timeout=LEAVE_SECONDS)
    client.close()


async def _socket(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setblocking(False)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await asyncio.get_running_loop().sock_connect(made, (address, port))
    except BaseException:
        made.close()
        raise
    return made


async def _sent(client: aiosmtplib.SMTP, effect: SendMail, message: EmailMessage) -> dict[str, Any]:
    """In the words of n8n's node."""
    wanted = [address for _, address in getaddresses([*effect.to, *effect.cc, *effect.bcc])]
    (sender,) = (address for _, address in getaddresses([effect.sender]))
    refused, response = await client.send_message(message, sender=sender, recipients=wanted)
    return {
        "accepted": [each for each in wanted if each not in refused],
        "rejected": [each for each in wanted if each in refused],
        "messageSize": len(message.as_bytes()),
        "response": response,
        "envelope": {"from": sender, "to": wanted},
        "messageId": message["Message-ID"],
    }


def message_of(effect: SendMail) -> EmailMessage:
    """The same mail, its Message-ID included, for the same effect. ValueError for what no mail can have."""
    message = EmailMessage(POLICY)
    message["From"] = effect.sender
    for name, found in (("To", effect.to), ("Cc", effect.cc), ("Reply-To", effect.reply_to)):
        if found:
            message[name] = ", ".join(found)
    message["Subject"] = effect.subject
    message["Date"] = datetime.fromtimestamp(effect.date_ms / 1000, UTC)
    message["Message-ID"] = f"<{uuid5(_IDS, effect.key)}@{_domain(effect.sender)}>"
    if effect.text is not None or effect.html is None:
        message.set_content(effect.text or "")
    if effect.html is not None and effect.text is not None:
        message.add_alternative(effect.html, subtype="html")
    elif effect.html is not None:
        message.set_content(effect.html, subtype="html")
    for each in effect.attachments:
        main, _, sub = each.mime_type.partition(";")[0].strip().partition("/")
        kinds = (main, sub) if main and sub and main not in ("multipart", "message") else ("application", "octet-stream")
        message.add_attachment(base64.b64decode(each.content), *kinds, filename=each.name)
    return message


def _domain(sender: str) -> str:
    ((_, address),) = getaddresses([sender])
    return Address(addr_spec=address).domain.encode("idna").decode()


def _words(error: Exception) -> str:
    """With the server's own code, which says what to do: 4xx may pass by itself, 5xx will not."""
    if isinstance(error, SMTPRecipientsRefused):
        told = "; ".join(f"{each.recipient}: {each.code} {each.message}" for each in error.recipients)
        return f"The mail server takes no mail for any of the recipients: {told}"
    if isinstance(error, SMTPResponseException):
        return f"The mail server refused: {error.code} {error.message}"
    return f"The mail was not sent: {error or type(error).__name__}"


def _secrets(data: Mapping[str, Any]) -> Sequence[str]:
    """As servers may repeat them: AUTH sends them in base64."""
    user, password = str(data.get("user") or ""), str(data.get("password") or "")
    if not password:
        return ()
    encoded = (base64.b64encode(each.encode()).decode() for each in (password, f"\0{user}\0{password}"))
    return forms(password, *encoded)


def _failed(message: str, code: str = "node_failed") -> Reply:
    return Reply(failure=Failure(message=message, code=code, name="NodeApiError"))
