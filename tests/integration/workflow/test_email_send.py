"""Send Email on a real SMTP server: what arrives, by which way, and what is refused."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.integration.workflow.certificates import self_signed
from tests.integration.workflow.databases import driver, pool  # noqa: F401 - fixtures
from tests.unit.workflow.nodes.case import Case, Fails, check, file, outputs
from tests.unit.workflow.nodes.case import run as run_case
from workflow.core.driver import Driver
from workflow.core.effects import Effect, SendMail, effect_from_json
from workflow.core.execution import Execution, Reply
from workflow.outside.guard import Guard
from workflow.outside.mail_calls import MailCalls

CHOSEN = {"credentials": {"smtp": {"id": "1", "name": "mine"}}}
PASSWORD = "correct horse"
BASE = {"fromEmail": "Bee <bee@example.org>", "toEmail": "ann@example.com", "subject": "Hello"}
Run = Callable[..., Awaitable[Execution]]


class Post:
    """What a server has received, and whom it takes."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.encrypted: list[bool] = []
        self.users: list[str] = []

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        if address.startswith("nobody"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        self.encrypted.append(session.ssl is not None or server.transport.get_extra_info("ssl_object") is not None)
        return "250 taken"

    def let_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        self.users.append(given.login.decode())
        return AuthResult(success=given.password == PASSWORD.encode(), handled=False)

    @property
    def mails(self) -> list[EmailMessage]:
        return [_read(each.content) for each in self.envelopes]


def _read(content: Any) -> EmailMessage:
    found = message_from_bytes(content, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


@asynccontextmanager
async def serving(
    post: Post, *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, **more: Any
) -> AsyncIterator[int]:
    """The port of a server on this machine."""
    loop = asyncio.get_running_loop()

    def made() -> SMTP:
        return SMTP(post, hostname="post.example", tls_context=starttls, authenticator=post.let_in, **more)

    server = await loop.create_server(made, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        yield port
    finally:
        server.close()
        await hung_up(port)
        await server.wait_closed()


async def hung_up(port: int) -> None:
    """Ends what the server still has open. A handshake that failed is known to the loop alone."""
    known: Any = asyncio.get_running_loop()
    for _ in range(20):  # turns of the loop, in which what it has accepted becomes a transport, and a transport ends
        for transport in list(known._transports.values()):
            if transport._sock is not None and _port_of(transport) == port:
                transport.abort()
        await asyncio.sleep(0)


def _port_of(transport: Any) -> Any:
    name = transport.get_extra_info("sockname")
    return name[1] if isinstance(name, tuple) else None


def credential(port: int, **more: Any) -> dict[str, Any]:
    return {"host": "localhost", "port": port, "secure": False, "hostName": "hive.example", **more}


GUARD = Guard.of(["127.0.0.1", "::1"])


@pytest.fixture
async def post() -> Post:
    return Post()


@pytest.fixture
async def node(post: Post, driver: Driver) -> AsyncIterator[Run]:  # noqa: F811
    """Runs a case whose mails are sent by a plain server."""
    loop = asyncio.get_running_loop()
    async with serving(post) as port:

        def carry_out(effect: Effect) -> Reply:
            stored = effect_from_json(effect.to_json())
            assert isinstance(stored, SendMail)
            return asyncio.run_coroutine_threadsafe(MailCalls(GUARD).carry_out(stored, credential(port)), loop).result(60)

        async def run(
            gives: Any = None, *, version: float = 2.1, items: Any = ({},), settings: Any = None, **parameters: Any
        ) -> Execution:
            given = {**BASE, **parameters}
            case = Case(
                name="",
                kind="emailSend",
                version=version,
                parameters=given,
                items=items,
                gives=gives,
                settings={**CHOSEN, **(settings or {})},
            )
            return await asyncio.to_thread(run_case if gives is None else check, driver, case, carry_out)

        yield run


async def test_a_mail_for_each_item(node: Run, post: Post) -> None:
    items = [{"to": "Ann Ä <ann@example.com>, carl@example.com", "x": 1}, {"to": "dan@example.com", "x": 2}]
    execution = await node(
        items=items, toEmail="={{ $json.to }}", subject="=No. {{ $json.x }} ✉", html="=<b>{{ $json.x }} ß</b>"
    )
    assert execution.failure is None, execution.failure
    first, second = post.mails
    assert (first["Subject"], second["Subject"]) == ("No. 1 ✉", "No. 2 ✉")
    assert (first["From"], first["To"]) == ("Bee <bee@example.org>", "Ann Ä <ann@example.com>, carl@example.com")
    assert first.get_content_type() == "text/html"
    assert first.get_content().strip() == "<b>1 ß</b>"
    assert "n8n" not in str(first)
    found = outputs(execution)[0]
    assert [item["pairedItem"] for item in found] == [{"item": 0}, {"item": 1}]
    sent = found[0]["json"]
    assert sent["accepted"] == ["ann@example.com", "carl@example.com"]
    assert sent["envelope"] == {"from": "bee@example.org", "to": ["ann@example.com", "carl@example.com"]}
    assert (sent["rejected"], sent["response"], sent["messageId"]) == ([], "taken", first["Message-ID"])
    assert first["Message-ID"] != second["Message-ID"]


async def test_both_forms_copies_and_files(node: Run, post: Post) -> None:
    options = {
        "ccEmail": "cc@example.com",
        "bccEmail": "secret@example.com",
        "replyTo": "re@example.org",
        "attachments": "data, other",
    }
    item = {"json": {}, "binary": {"data": file("abc"), "other": file(b"\x89PNG", "bild ä.png", "image/png")}}
    await node(items=[item], emailFormat="both", text="plain", html="<i>rich</i>", options=options)
    (mail,) = post.mails
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert (plain.get_content().strip(), rich.get_content().strip()) == ("plain", "<i>rich</i>")
    assert (mail["Cc"], mail["Reply-To"], mail["Bcc"]) == ("cc@example.com", "re@example.org", None)
    assert post.envelopes[0].rcpt_tos == ["ann@example.com", "cc@example.com", "secret@example.com"]
    assert b"secret@" not in bytes(post.envelopes[0].content or b"")
    files = list(mail.iter_attachments())
    assert [(each.get_filename(), each.get_content_type()) for each in files] == [
        ("a.txt", "text/plain"),
        ("bild ä.png", "image/png"),
    ]
    assert files[1].get_payload(decode=True) == b"\x89PNG"


async def test_older_versions(node: Run, post: Post) -> None:
    await node(
        version=1,
        text="plain",
        html="<i>rich</i>",
        ccEmail="cc@example.com",
        attachments="data",
        items=[{"json": {}, "binary": {"data": file("abc")}}],
    )
    await node(version=1, text="plain alone")
    await node(version=2, text="text by default", html="<b>not this</b>")
    first, second, third = post.mails
    assert (first["Cc"], len(list(first.iter_attachments()))) == ("cc@example.com", 1)
    assert (second.get_content_type(), third.get_content_type()) == ("text/plain", "text/plain")
    assert third.get_content().strip() == "text by default"


async def test_a_mail_that_is_sent_again_has_its_id(node: Run, post: Post, driver: Driver) -> None:  # noqa: F811
    await node(html="x")
    (effect,) = driver.effects
    assert isinstance(effect, SendMail)
    assert effect.repeatable
    assert effect.key
    async with serving(post) as port:
        again = await MailCalls(GUARD).carry_out(effect, credential(port))
    first, second = post.mails
    assert again.value["messageId"] == first["Message-ID"] == second["Message-ID"]
    assert first["Date"] == second["Date"]


async def test_what_is_no_mail_is_refused(node: Run, post: Post) -> None:
    await node(Fails("Invalid email address in the parameter 'toEmail'"), toEmail="ann")
    await node(Fails("Invalid email address"), toEmail="a b@c d")
    await node(Fails("line break"), toEmail="ann@example.com\nBcc: eve@example.com")
    await node(Fails("to nobody"), toEmail="")
    await node(Fails("must be one address"), fromEmail="")
    await node(Fails("resumeUrl"), operation="sendAndWait")
    await node(Fails("format 'pdf'"), emailFormat="pdf")
    await node(Fails("binary file 'gone'"), options={"attachments": "gone"})
    large = {"json": {}, "binary": {"data": file("x" * 9_000_000)}}
    await node(Fails("more than 16,777,216 bytes"), items=[large], options={"attachments": "data, data"})
    assert not post.mails
    await node(subject="one\r\nBcc: eve@example.com", html="x")
    assert (post.mails[0]["Subject"], post.mails[0]["Bcc"]) == ("one Bcc: eve@example.com", None)


async def test_refused_recipients(node: Run, post: Post) -> None:
    execution = await node(Fails("nobody@example.com: 550 5.1.1 no such mailbox"), toEmail="nobody@example.com", html="x")
    assert execution.failure is not None
    assert (execution.failure.item, execution.failure.code) == (0, "node_failed")
    found = outputs(await node(toEmail="nobody@example.com, ann@example.com", html="x"))[0][0]["json"]
    assert (found["accepted"], found["rejected"]) == (["ann@example.com"], ["nobody@example.com"])
    items = [{"to": "nobody@example.com"}, {"to": "ann@example.com"}]
    kept = outputs(await node(items=items, toEmail="={{ $json.to }}", html="x", settings={"onError": "continueRegularOutput"}))[
        0
    ]
    assert ["error" in item["json"] for item in kept] == [True, False]
    assert len(post.mails) == 2


def mail(**more: Any) -> SendMail:
    return SendMail(
        credentials={},
        sender="bee@example.org",
        to=["ann@example.com"],
        text="x",
        date_ms=0,
        key="k",
        timeout_seconds=30,
        **more,
    )


def context(folder: Path) -> tuple[ssl.SSLContext, Path]:
    certificate, secret = self_signed(folder)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, secret)
    return made, certificate


@pytest.mark.parametrize("secure", [True, False], ids=["from the first byte", "by STARTTLS"])
async def test_tls_is_checked_and_the_login_goes_through_it(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secure: bool
) -> None:
    made, certificate = context(tmp_path)
    way: dict[str, Any] = {"tls": made, "auth_require_tls": False} if secure else {"starttls": made}
    async with serving(post, **way) as port:
        data = credential(port, secure=secure, user="bee", password=PASSWORD)
        refused = await MailCalls(GUARD).carry_out(mail(), data)
        assert refused.failure is not None
        assert "certificate verify failed" in refused.failure.message
        assert (await MailCalls(GUARD).carry_out(mail(verify_tls=False), data)).failure is None
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert (await MailCalls(GUARD).carry_out(mail(), data)).failure is None
        assert await MailCalls(GUARD).test(data) == "It lets in."
        wrong = await MailCalls(GUARD).carry_out(mail(), {**data, "password": "incorrect donkey"})
        assert wrong.failure is not None
        assert "refused: 535" in wrong.failure.message
        assert "donkey" not in str(wrong)
    assert post.encrypted == [True, True]
    assert set(post.users) == {"bee"}


async def test_no_password_goes_in_the_clear_unless_that_is_said(post: Post) -> None:
    async with serving(post, auth_require_tls=False) as port:
        data = credential(port, user="bee", password=PASSWORD)
        refused = await MailCalls(GUARD).carry_out(mail(), data)
        assert refused.failure is not None
        assert refused.failure.code == "request_refused"
        assert "disableStartTls" in refused.failure.message
        assert not post.users
        assert (await MailCalls(GUARD).carry_out(mail(), {**data, "disableStartTls": True})).failure is None
    assert (post.users, post.encrypted) == (["bee"], [False])


async def test_internal_servers_and_wrong_doors_are_refused(post: Post) -> None:
    async with serving(post) as port:
        refused = await MailCalls(Guard()).carry_out(mail(), credential(port))
        assert refused.failure is not None
        assert refused.failure.code == "request_refused"
        for wrong in ({"port": "x"}, {"host": "/tmp/x"}, {"host": "localhost", "port": 1}):
            found = await MailCalls(GUARD).carry_out(mail(), {**credential(port), **wrong})
            assert found.failure is not None, wrong
        assert not post.mails


async def test_a_server_that_says_nothing_is_left_in_time() -> None:
    left = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        found = await MailCalls(GUARD).carry_out(
            mail().model_copy(update={"timeout_seconds": 0.5}), credential(server.sockets[0].getsockname()[1])
        )
        await asyncio.wait_for(left.wait(), 20)
    assert found.failure is not None
    assert found.failure.code == "deadline_exceeded"
