"""Settings of the dashboard's process."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode, SettingsConfigDict

from bus.limits.rates import RATE_LIMITS, RateLimits
from bus.messages import Role
from bus.settings import HiveSettings


def _by_comma(value: Any) -> Any:
    return tuple(each.strip().lower() for each in value.split(",") if each.strip()) if isinstance(value, str) else value


def _without_slash(value: str | None) -> str | None:
    return value.rstrip("/") if value else value


Domains = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_by_comma)]


class GuiSettings(HiveSettings):
    """`HIVE_HOST` and `HIVE_GUI_PORT` say where; port 0 takes a free one and logs it."""

    model_config = SettingsConfigDict(env_ignore_empty=True)
    """A variable that a container is given always, and empty where nobody has said anything, is none."""

    host: str = Field(default="127.0.0.1", description="loopback, unless an administrator says otherwise")
    gui_port: int = Field(default=8430, ge=0, le=65535)
    redis_url: SecretStr | None = Field(default=None, description="Redis or Valkey: a cache; without it nothing stops")
    rate_limits: RateLimits = RATE_LIMITS
    gui_metrics_port: int | None = Field(
        default=None, ge=0, le=65535, description="of its own `/metrics`, 0 takes a free one; left out: there is none"
    )
    gui_secret: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="signs session cookies, and logins in Redis, the same for all replicas of the dashboard; left out: `gui.secret` in the data folder",
    )
    static_url: Annotated[str | None, AfterValidator(_without_slash)] = Field(
        default=None,
        pattern=r"^https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?$",
        description="of a CDN from which browsers take scripts, styles and fonts (`hive static export DIR`, or an origin that is the "
        "dashboard's `/static`); left out: from the dashboard",
    )
    gui_url: str | None = Field(
        default=None,
        description="by which browsers reach the dashboard, for the way back from a provider; left out: as they say",
    )
    oidc_issuer: str | None = Field(
        default=None, description="address of an OpenID provider at which people sign in; it is asked for the rest (discovery)"
    )
    oidc_client_id: str = Field(default="hive", description="by which the provider knows Hive")
    oidc_client_secret: SecretStr | None = Field(default=None, description="that goes with it; left out: PKCE alone")
    oidc_scopes: str = Field(default="openid profile email", description="that are asked for")
    oidc_name: str | None = Field(default=None, description="of the provider, on the button; left out: its host")
    oidc_roles_claim: str = Field(
        default="roles", description="where the provider says roles or groups; `realm_access.roles` for a claim within another"
    )
    oidc_roles: dict[str, Role] = Field(
        default_factory=dict,
        description='which of them mean which role here, as JSON: `{"gpu-admins": "admin"}`; left out: those of the same name',
    )
    oidc_default_role: Role | None = Field(default=None, description="of who has none of them; left out: is refused")
    oidc_domains: Domains = Field(
        default=(), description="by comma: who has no address in one of them that the provider has verified is refused"
    )
    gui_session_hours: float = Field(default=168, gt=0, description="how long a login lasts; a revoked key ends it at once")
