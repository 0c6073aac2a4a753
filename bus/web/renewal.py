"""The certificate of a door is renewed while it runs, by `hive up` or by whoever keeps it: new connections are given what its files hold."""

import asyncio
import ssl
from pathlib import Path
from typing import Final

import uvicorn

from bus import telemetry
from bus.settings import HiveSettings

logger = telemetry.log(__name__)

LOOK_SECONDS: Final = 60.0

Stamp = tuple[tuple[int, int, int], ...]


def stamp(*files: Path) -> Stamp | None:
    """Changes with each of the files, also behind a link; None while one is missing."""
    try:
        found = [file.stat() for file in files]
    except OSError:
        return None
    return tuple((each.st_ino, each.st_mtime_ns, each.st_size) for each in found)


async def renew_tls(config: uvicorn.Config, settings: HiveSettings, seconds: float = LOOK_SECONDS) -> None:
    """Until cancelled; returns at once without TLS. Files that cannot be used are told of, and looked at again."""
    certificate, key = settings.tls_cert, settings.tls_key
    if certificate is None or key is None:
        return
    held = stamp(certificate, key)
    if not config.loaded:
        config.load()
    if (context := config.ssl) is None:
        return
    while True:
        await asyncio.sleep(seconds)
        found = stamp(certificate, key)
        if found is None or found == held:
            continue
        try:
            # In another context first: a pair that does not fit would leave this one without either.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
            context.load_cert_chain(certificate, key)
        except OSError as error:  # ssl.SSLError is one
            logger.warning("certificate_not_renewed", file=str(certificate), reason=str(error))
            continue
        held = found
        logger.info("certificate_renewed", file=str(certificate))
