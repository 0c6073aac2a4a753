"""`python -m deploy.cli.rehearsal`: whether this version's supervisor would start here, before a supervisor becomes it. Changes nothing."""

import sys

from bus.errors import HiveError
from deploy.settings import DeploySettings


def main() -> None:
    from pydantic import ValidationError

    from bus.codec import explain
    from deploy.cli.command import settings
    from deploy.cli.hosting import require_settings

    try:
        found = settings()
        require_settings()
        require_parts(found)
    except HiveError as error:
        sys.exit(error.message)
    except ValidationError as error:
        sys.exit(f"a setting is not valid: {explain(error).message}")


def require_parts(found: DeploySettings) -> None:
    """HiveError where a server is not installed for this version, or a certificate that was named cannot be used."""
    from deploy.local.certificates import given
    from deploy.local.data_folder import DataFolder, Secrets
    from deploy.local.hive import LocalHive
    from deploy.local.ports import Ports

    if found.tls_cert is not None:
        given(found.tls_cert, found.tls_key, found.tls_ca)
    folder = DataFolder(found.data_dir)
    folder.require_restored()
    ports = Ports(api=0, gui=0, nats=0, nats_monitor=0, nats_websocket=0)
    LocalHive(settings=found, folder=folder, secrets=folder.read("secrets.json", Secrets) or Secrets(), ports=ports).servers()


if __name__ == "__main__":
    main()
