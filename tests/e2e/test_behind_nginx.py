"""A whole hive behind a real nginx with TLS, by the project's own proxy file: what streams streams, and everything else works as without."""

import json
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from playwright.async_api import Browser, expect
from websockets.asyncio.client import connect

from deploy.local.ports import free_port
from tests.conftest import folder_for_others
from tests.parts.hive import Hive, wait_until

pytestmark = pytest.mark.slow

PROXY = Path(__file__).parents[2] / "deploy" / "proxy" / "nginx.conf"
NAME = "localhost"
KEY = "sk-hive-proxied-0123456789abcdef0123456789abcdef"
HEADERS = {"Authorization": f"Bearer {KEY}"}


@dataclass(frozen=True, kw_only=True)
class Behind:
    """`url` as people reach it; `certificate` is whom to trust."""

    hive: Hive
    port: int
    plain_port: int
    certificate: Path

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.port}"

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))


@pytest.fixture(scope="module")
def behind() -> Iterator[Behind]:
    nginx = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if nginx is None:
        pytest.skip("nginx is not installed (apt install nginx)")
    with folder_for_others("nginx") as folder:
        hive = Hive(folder / "hive", HIVE_ADMIN_KEY=KEY, HIVE_MCP_HOSTS=NAME)
        hive.start()
        try:
            addresses, port, plain = hive.json("status"), free_port(), free_port()
            certificate = self_signed(folder)
            main = configuration(folder, (port, plain), addresses["api"], addresses["gui"])
            process = subprocess.Popen([nginx, "-p", str(folder), "-c", str(main), "-g", "daemon off;"])
            try:
                found = Behind(hive=hive, port=port, plain_port=plain, certificate=certificate)
                wait_until(lambda: serves(found), 20)
                yield found
            finally:
                process.terminate()
                process.wait(20)
        finally:
            hive.stop()


def configuration(folder: Path, ports: tuple[int, int], api: str, dashboard: str) -> Path:
    """nginx's own file around the project's, of which only addresses, name and certificate are others."""
    text = PROXY.read_text()
    for old, new in {
        "listen 80;": f"listen 127.0.0.1:{ports[1]};",
        "listen 443 ssl": f"listen 127.0.0.1:{ports[0]} ssl",
        "hive.example.com": NAME,
        "/etc/nginx/hive": str(folder / "hive"),
        "127.0.0.1:8420": api.removeprefix("http://"),
        "127.0.0.1:8430": dashboard.removeprefix("http://"),
    }.items():
        assert old in text, old
        text = text.replace(old, new)
    (folder / "proxy.conf").write_text(text)
    temporary = "".join(f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    main = folder / "nginx.conf"
    main.write_text(
        f"pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1; events {{}}\n"
        f"http {{ access_log off; {temporary} include {folder}/proxy.conf; }}\n"
    )
    return main


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)]), datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "hive.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    own = serialization.PrivateFormat.TraditionalOpenSSL
    (folder / "hive.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, own, serialization.NoEncryption()))
    return folder / "hive.crt"


def serves(behind: Behind) -> bool:
    try:
        return httpx.get(f"{behind.url}/readyz", verify=behind.trust).status_code == 200
    except httpx.TransportError:
        return False


async def test_a_stream_comes_as_it_is_written(behind: Behind) -> None:
    asked = {
        "model": "smollm2",
        "stream": True,
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "Count to twenty."}],
    }
    async with httpx.AsyncClient(verify=behind.trust, headers=HEADERS, timeout=60) as client:
        asked["model"] = (await client.get(f"{behind.url}/v1/models")).json()["data"][0]["id"]
        async with client.stream("POST", f"{behind.url}/v1/chat/completions", json=asked) as answer:
            assert answer.status_code == 200
            pieces = [piece async for piece in answer.aiter_raw()]
    assert len(pieces) > 3, "nginx gathered the stream"
    assert pieces[-1].endswith(b"data: [DONE]\n\n")


async def test_the_websocket_tells_of_the_hive(behind: Behind) -> None:
    url = f"wss://{NAME}:{behind.port}/ws"
    async with connect(url, additional_headers=HEADERS, ssl=behind.trust) as socket:
        await socket.send(json.dumps({"type": "subscribe", "topic": "cluster.status"}))
        heard = [json.loads(await socket.recv()) for _ in range(2)]
    assert "data" in {each["type"] for each in heard}, heard


async def test_mcp_works(behind: Behind) -> None:
    async with (
        httpx.AsyncClient(verify=behind.trust, headers=HEADERS, timeout=60) as http,
        streamable_http_client(f"{behind.url}/mcp", http_client=http) as (read, write, *_),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        assert (await session.list_tools()).tools


async def test_the_dashboard_is_live(behind: Behind, browser: Browser) -> None:
    link = behind.hive.run("login").stdout
    ticket = re.search(r"ticket=(\S+)", link)
    assert ticket is not None, link
    context = await browser.new_context(ignore_https_errors=True)
    page = await context.new_page()
    await page.goto(f"{behind.url}/login?ticket={ticket[1]}")
    await expect(page.locator(".hv-connection")).to_have_text("Live")
    await expect(page.locator(".hv-agent[data-state=online]")).to_have_count(1)
    await context.close()


def test_metrics_stay_inside(behind: Behind) -> None:
    assert httpx.get(f"{behind.url}/metrics", verify=behind.trust).status_code == 404


def test_who_comes_without_tls_is_sent_to_it(behind: Behind) -> None:
    answer = httpx.get(f"http://127.0.0.1:{behind.plain_port}/tasks?status=failed", headers={"Host": NAME})
    assert (answer.status_code, answer.headers["location"]) == (301, f"https://{NAME}/tasks?status=failed")
