"""A real little OpenID provider, in a process of its own: whoever is named signs in."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

from deploy.local.ports import free_port

START_SECONDS = 60


class OidcProvider:
    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / "oidc.log"

    def start(self) -> None:
        command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(self.port), "--require-nonce"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    async def ready(self) -> None:
        async with httpx.AsyncClient() as client, asyncio.timeout(START_SECONDS):
            while True:
                try:
                    (await client.get(f"{self.url}/.well-known/openid-configuration")).raise_for_status()
                except httpx.TransportError:
                    assert self._process.poll() is None, self._log.read_text()
                    await asyncio.sleep(0.05)
                else:
                    return

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    async def knows(self, subject: str, **claims: Any) -> None:
        """What it says of somebody."""
        async with httpx.AsyncClient() as client:
            (await client.put(f"{self.url}/users/{subject}", json=claims)).raise_for_status()

    async def vouch(self, browser: httpx.AsyncClient, start: str, subject: str) -> str:
        """A person begins at `start`, signs in here, and is sent back: the address that the browser is sent to."""
        there = (await browser.get(start)).headers["location"]
        sent_back = await browser.post(there, data={"sub": subject})
        assert sent_back.status_code == 302, f"{there}: {sent_back.text[:500]}"
        return urljoin(start, sent_back.headers["location"])
