"""What every command has in common: flags become settings, errors become one line, and Ctrl-C is no mistake."""

import asyncio
import inspect
import os
import sys
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn, ParamSpec, cast
from uuid import UUID

import typer
from pydantic import JsonValue, ValidationError

from bus.codec import explain
from bus.errors import HiveError, InvalidRequest
from deploy.run import variable
from deploy.settings import DeploySettings

P = ParamSpec("P")

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
TaskArgument = Annotated[UUID, typer.Argument(help="The task's id.", metavar="ID")]

INTERRUPTED = 130
"""The exit status of what Ctrl-C ended, as shells have it."""


def command(function: Callable[P, Awaitable[None] | None]) -> Callable[P, None]:
    """A function, async or not, as a command of typer."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            answer = function(*args, **kwargs)
            if inspect.iscoroutine(answer):
                asyncio.run(answer)
        except HiveError as error:
            fail(error.code, error.message)
        except ValidationError as error:
            fail("invalid_request", f"A setting is not valid: {explain(error).message}")
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:  # `hive logs | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except typer.Exit:
            raise
        except Exception as error:
            if os.environ.get("HIVE_LOG_LEVEL") == "debug":
                raise
            fail("internal_error", f"{type(error).__name__}: {error}. With HIVE_LOG_LEVEL=debug it says where.")

    # typer reads the signature to know the options
    cast(Any, run).__signature__ = inspect.signature(function)
    return run


def fail(code: str, message: str) -> NoReturn:
    typer.secho(f"error [{code}]: {message}", err=True, fg="red")
    raise typer.Exit(1)


def flags_as_environment(**flags: object) -> None:
    """Flags come before everything else, for this process and those that it starts."""
    os.environ.update({name: str(value) for name, value in flags.items() if value is not None})


def check_names(file: str, content: JsonValue) -> None:
    """InvalidRequest for what is no mapping, or names a setting that no part of Hive has."""
    if not isinstance(content, dict | None):
        raise InvalidRequest(f"{file} is no file of settings. Write `name: value` lines, such as `api_port: 8420`.")
    from deploy.settings_page import rows  # the settings of every room

    known = {row.name for row in rows()}
    if unknown := [name for name in content or () if variable(name) not in known]:
        raise InvalidRequest(f"{file} names what is no setting: {', '.join(unknown)}. docs/settings.md lists them.")


def settings() -> DeploySettings:
    """InvalidRequest, in words, for a file of settings that cannot be used."""
    try:
        if file := os.environ.get("HIVE_CONFIG"):
            check_names(file, _yaml(Path(file)))
        return DeploySettings()
    except OSError as error:
        raise InvalidRequest(f"{error.filename} cannot be read: {error.strerror}. Check HIVE_CONFIG and HIVE_*_FILE.") from None


def _yaml(file: Path) -> JsonValue:
    import yaml

    try:
        content: JsonValue = yaml.safe_load(file.read_text())
    except yaml.YAMLError as error:
        raise InvalidRequest(f"{file} is not YAML: {' '.join(str(error).split())}.") from None
    return content
