"""Which backends a sidecar speaks for: those it was told, else the Ollama of this machine, else the built-in model."""

from agent_sidecar.addresses import BUILTIN_URL, ollama_url, parse_address
from agent_sidecar.backends.builtin import installed
from agent_sidecar.backends.detect import detect
from agent_sidecar.settings import SidecarSettings
from bus import telemetry
from bus.errors import HiveError, InvalidRequest
from bus.messages import Upstream

logger = telemetry.log(__name__)

ASK_SECONDS = 1.5

BUILTIN = Upstream(url=BUILTIN_URL, kind="builtin", name="Built-in SmolLM2")


async def named_upstreams(settings: SidecarSettings) -> tuple[Upstream, ...]:
    """HIVE_BACKENDS, or the default for a machine where nobody set it; with the labels of this host beside their own."""
    found, here = await _named(settings), dict(settings.sidecar_labels)
    return tuple(each.model_copy(update={"labels": {**here, **each.labels}}) if here else each for each in found)


async def _named(settings: SidecarSettings) -> tuple[Upstream, ...]:
    if settings.builtin_model == "always":
        return (*settings.backends, BUILTIN)
    if settings.backends:
        return settings.backends
    ollama = Upstream(url=ollama_url(settings.ollama_host), kind="ollama")
    if settings.builtin_model == "never" or not installed():
        return (ollama,)
    try:
        kind = await detect(parse_address(ollama.url), timeout=ASK_SECONDS)
    except InvalidRequest as error:
        # Hive itself. Whoever named it is told by an agent that is degraded and says why, beside the one that works.
        logger.warning("no_ollama", address=ollama.url, reason=error.message)
        return (BUILTIN, ollama) if "ollama_host" in settings.model_fields_set else (BUILTIN,)
    except HiveError as error:
        logger.info("no_ollama", address=ollama.url, reason=error.message)
        return (BUILTIN,)
    return (ollama,) if kind == "ollama" else (BUILTIN,)
