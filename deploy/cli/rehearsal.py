"""`python -m deploy.cli.rehearsal`: whether this version's supervisor would start here, before a supervisor becomes it. Changes nothing."""

import sys

from bus.errors import HiveError


def main() -> None:
    from pydantic import ValidationError

    from bus.codec import explain
    from deploy.cli.command import settings
    from deploy.cli.hosting import require_settings

    try:
        settings()
        require_settings()
    except HiveError as error:
        sys.exit(error.message)
    except ValidationError as error:
        sys.exit(f"a setting is not valid: {explain(error).message}")


if __name__ == "__main__":
    main()
