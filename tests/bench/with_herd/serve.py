"""ollama-herd's router as its own command serves it, but silent on the network: it would tell every interface of it by mDNS, and its makers how
much it is used. Runs in an environment of its own, without Hive. `serve.py PORT FOLDER`
"""

import sys

import uvicorn
from fleet_manager.models.config import ServerSettings
from fleet_manager.server import app


class Silent:
    def __init__(self, *_: object) -> None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


if __name__ == "__main__":
    port = int(sys.argv[1])
    app.FleetServiceAdvertiser = Silent
    settings = ServerSettings(host="127.0.0.1", port=port, data_dir=sys.argv[2])
    uvicorn.run(app.create_app(settings), host="127.0.0.1", port=port, log_level="info")
