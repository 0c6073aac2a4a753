"""What an Ollama is told to load a model with, so that requests which differ in that do not make it reload the model. Pure.

Ollama loads a model anew for every request whose `num_ctx` is another than the loaded one's, larger or smaller, and a request's
`keep_alive` replaces that of the one before. Here each model has one of both: as models.yaml wishes, else the largest that was
asked for since it was loaded. The context grows by doubling, so it costs a few reloads at most, and then none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from bus import telemetry
from bus.messages import ModelInfo
from bus.messages.models import FOREVER, ModelWish, duration_seconds
from bus.model_names import tagged

logger = telemetry.log(__name__)

SMALLEST_CONTEXT: Final = 2048
"""The first step; each other is twice the one before."""
USUAL_KEEP_ALIVE_SECONDS: Final = 300.0
"""Ollama's own. A request cannot make it shorter: the model is others' too."""
FORGET_SECONDS: Final = 60.0
"""A model that is not loaded, and has not been used for so long, begins anew with what is asked for then."""
CHARACTERS_PER_TOKEN: Final = 3
ANSWER_TOKENS: Final = 256
"""Room for an answer that the request does not bound."""

HOSTS_OWN: Final = frozenset(
    {"num_batch", "num_gpu", "main_gpu", "num_thread", "use_mmap", "use_mlock", "low_vram", "f16_kv", "vocab_only"}
)
"""Other options that Ollama reloads a model for. They are matters of the host, told by the model's Modelfile, not by a request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Footing:
    """What a request is sent with. None: nothing, so that Ollama's own settings hold."""

    num_ctx: int | None = None
    keep_alive: float | None = None


@dataclass(slots=True, kw_only=True)
class _Stay:
    """One model since it was loaded."""

    context: int | None = None
    reason: str | None = None
    limit: int | None = None
    keep_alive: float | None = None
    running: int = 0
    used_at: float = 0.0


class Residence:
    """`now` is monotonic, in seconds."""

    def __init__(self) -> None:
        self._wishes: dict[str, ModelWish] = {}
        self._stays: dict[str, _Stay] = {}

    def prefer(self, wishes: Iterable[ModelWish]) -> None:
        """As models.yaml wishes it, from now on."""
        self._wishes = {tagged(wish.model): wish for wish in wishes}

    def enter(self, model: str, options: Mapping[str, JsonValue], characters: int, now: float) -> Footing:
        """For a request that begins; `leave` when it has ended."""
        stay = self._stays.setdefault(tagged(model), _Stay())
        stay.running, stay.used_at = stay.running + 1, now
        return self._footing(model, stay, options, characters)

    def leave(self, model: str, now: float) -> None:
        stay = self._stays[tagged(model)]
        stay.running, stay.used_at = stay.running - 1, now

    def _footing(self, model: str, stay: _Stay, options: Mapping[str, JsonValue], characters: int) -> Footing:
        wish = self._wishes.get(tagged(model))
        if wish is not None and wish.num_ctx is not None:
            self._set(model, stay, wish.num_ctx, "models.yaml wishes so")
        else:
            asked, needed = _whole(options.get("num_ctx")), tokens_needed(options, characters)
            grown = grown_context(stay.context, asked, needed, stay.limit)
            if grown is not None and grown != stay.context:
                why = (
                    f"a request asked for {asked}"
                    if asked is not None and asked >= needed
                    else f"a prompt needed about {needed}"
                )
                self._set(model, stay, grown, why)
        stay.keep_alive = longer(stay.keep_alive, _seconds(options.get("keep_alive")))
        wished = wish.keep_alive if wish is not None else None
        return Footing(num_ctx=stay.context, keep_alive=stay.keep_alive if wished is None else wished)

    def _set(self, model: str, stay: _Stay, context: int, reason: str) -> None:
        if stay.context != context:
            logger.info("context_chosen", model=model, tokens=context, before=stay.context, reason=reason)
        stay.context, stay.reason = context, reason

    def keep(self, model: str, num_ctx: int | None, keep_alive: float | None) -> None:
        """Of an order to load it: what was asked for by whoever rules the host."""
        stay = self._stays.setdefault(tagged(model), _Stay())
        if num_ctx is not None:
            self._set(model, stay, num_ctx, "ordered with its load")
        if keep_alive is not None:
            stay.keep_alive = keep_alive

    def drop(self, model: str) -> None:
        """It was unloaded by order: what requests had asked for until then is over."""
        if (stay := self._stays.get(tagged(model))) is not None and stay.running == 0:
            del self._stays[tagged(model)]

    def seen(self, models: tuple[ModelInfo, ...], now: float) -> tuple[ModelInfo, ...]:
        """As the backend tells them, with what is known here: an older Ollama does not tell the context that it loaded."""
        self._forget({tagged(model.name) for model in models if model.loaded}, now)
        return tuple(self._told(model) for model in models)

    def _told(self, model: ModelInfo) -> ModelInfo:
        stay = self._stays.get(tagged(model.name))
        if stay is None and (model.loaded or model.context_limit):
            stay = self._stays[tagged(model.name)] = _Stay()
        if stay is None:
            return model
        stay.limit = model.context_limit
        if not model.loaded:
            return model
        if stay.context is None and model.context_length is not None:
            stay.context = model.context_length
        known = {"context_length": model.context_length or stay.context, "context_reason": stay.reason}
        return model.model_copy(update=known)

    def _forget(self, loaded: set[str], now: float) -> None:
        """A look may be older than a load that has just begun: only what rests for a while is forgotten."""
        for name, stay in list(self._stays.items()):
            if name not in loaded and stay.running == 0 and now - stay.used_at >= FORGET_SECONDS:
                del self._stays[name]


def grown_context(known: int | None, asked: int | None, needed: int, limit: int | None) -> int | None:
    """Tokens of context from now on: as it is while that suffices, else the next step that does, as far as the model was made for.

    None: nobody has asked for any, and Ollama's own default stands.
    """
    wanted = asked if known is None else max(asked or 0, needed)
    if wanted is None or (known is not None and wanted <= known):
        return known
    step = SMALLEST_CONTEXT
    while step < wanted:
        step *= 2
    return max(known or 0, step if limit is None else min(step, max(limit, SMALLEST_CONTEXT)))


def tokens_needed(options: Mapping[str, JsonValue], characters: int) -> int:
    """That a prompt of so many characters and its answer take, roughly."""
    limit = _whole(options.get("num_predict"))
    return characters // CHARACTERS_PER_TOKEN + (limit if limit is not None and limit > 0 else ANSWER_TOKENS)


def longer(known: float | None, asked: float | None) -> float | None:
    """The longer of two times in memory; FOREVER is the longest, and less than the usual one is nobody's to ask for."""
    if asked is None or known == FOREVER or (asked != FOREVER and asked <= max(known or 0.0, USUAL_KEEP_ALIVE_SECONDS)):
        return known
    return asked


def _whole(value: JsonValue) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _seconds(value: JsonValue) -> float | None:
    """Of a request's `keep_alive`; what is no duration is as good as none."""
    try:
        return None if value is None else float(duration_seconds(value))
    except ValueError:
        return None
