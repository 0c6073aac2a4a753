"""Where every setting comes from: flags > environment > YAML file > defaults.

A secret may be given as a file instead: `HIVE_DATABASE_URL_FILE=/run/secrets/database` stands for `HIVE_DATABASE_URL`.
Names are `HIVE_*`; `NATS_URL` and `OLLAMA_HOST` keep the names that their own worlds gave them.
"""

import os
import sys
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource

from bus.codec import explain

DEFAULT_NATS_URL: Final = "nats://127.0.0.1:4222"


class _SecretFiles(PydanticBaseSettingsSource):
    """Reads `NAME_FILE` for every setting whose environment name is NAME, and is not set or, as compose files do, empty."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        for name in _environment_names(field, field_name, self.settings_cls.model_config.get("env_prefix", "")):
            path = os.environ.get(f"{name}_FILE")
            if path and not os.environ.get(name):
                return Path(path).read_text().strip(), field_name, False
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


def _environment_names(field: FieldInfo, field_name: str, prefix: str) -> list[str]:
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return [str(choice) for choice in alias.choices]
    return [alias] if isinstance(alias, str) else [(prefix + field_name).upper()]


class HiveSettings(BaseSettings):
    """What every process of a hive can be told. Services add their own fields in their `settings.py`."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix="HIVE_", extra="ignore", frozen=True, populate_by_name=True
    )

    nats_url: SecretStr = Field(
        default=SecretStr(DEFAULT_NATS_URL),
        validation_alias=AliasChoices("NATS_URL", "nats_url"),
        description="with user and password where the bus asks for them; several by comma",
    )
    nats_ca: Path | None = Field(
        default=None,
        description="file of the authority that the bus's certificate is of; left out: one that this machine trusts",
    )
    tls_cert: Path | None = Field(
        default=None,
        description="file of the certificate, with its chain, of API, dashboard and the bus that `hive up` starts; left out: no TLS, or with "
        "`hive up --listen` one of the hive's own authority",
    )
    tls_key: Path | None = Field(default=None, description="file of its key")
    tls_ca: Path | None = Field(
        default=None,
        description="file of the authority that it is of, for hosts that join; left out: one that they trust anyhow",
    )
    data_dir: Path = Field(default_factory=lambda: Path.home() / ".hive", description="all state of a hive on this machine")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="the least that is logged")
    log_format: Literal["auto", "json", "text"] = Field(default="auto", description="auto: text on a terminal, else JSON")
    log_refusals: int = Field(
        default=10,
        ge=1,
        description="lines about what was refused that are logged in full, of one kind and source in a minute; one line says how many more there were",
    )
    metrics_host: str = Field(
        default="127.0.0.1", description="address of the `/metrics` of each process but the gateway's, at its port"
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        description="opens /metrics beyond loopback to `Authorization: Bearer`; without it /metrics is closed there",
    )
    otlp_endpoint: str | None = Field(
        default=None,
        description="of an OpenTelemetry collector (http/protobuf), `http://127.0.0.1:4318`; left out: nothing is exported",
    )
    otlp_headers: SecretStr | None = Field(
        default=None, description="that go with what is exported there: `name=value`, several by comma"
    )
    trace_ratio: float = Field(
        default=1, ge=0, le=1, description="of the traces that begin here, how many are exported; 1: all"
    )

    @field_validator("nats_url")
    @classmethod
    def _addresses(cls, value: SecretStr) -> SecretStr:
        """Refused here in words, and without the password: the client's own complaint is a traceback."""
        for address in value.get_secret_value().split(",") if value else ():
            try:
                parts = urlsplit(address if "://" in address else f"nats://{address}")
                understood = bool(parts.hostname) and parts.port != 0
            except ValueError:
                understood = False
            if not understood:
                raise ValueError("it is no address; write it like nats://USER:PASSWORD@HOST:4222")
        return value

    @property
    def nats_servers(self) -> list[str]:
        """The addresses to connect to; an empty setting means the default, as it does for a shell."""
        return (self.nats_url.get_secret_value() or DEFAULT_NATS_URL).split(",")

    @property
    def nats_login(self) -> dict[str, str]:
        """`user` and `password` of the first address that has both."""
        for parts in map(urlsplit, self.nats_servers):
            if parts.username and parts.password:
                return {"user": unquote(parts.username), "password": unquote(parts.password)}
        return {}

    @classmethod
    def read(cls) -> Self:
        """How a process begins: with its settings, or not at all and with one sentence that says why."""
        try:
            return cls()
        except ValidationError as error:
            sys.exit(f"error [invalid_request]: A setting is not valid: {explain(error).message}")
        except OSError as error:
            sys.exit(f"error [invalid_request]: {error.filename} cannot be read: {error.strerror}.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        sources: list[PydanticBaseSettingsSource] = [init_settings, _SecretFiles(settings_cls), env_settings]
        if path := os.environ.get("HIVE_CONFIG"):
            sources.append(YamlConfigSettingsSource(settings_cls, yaml_file=path))
        return tuple(sources)
