"""What Ollama's requests have in common: the model's name, options of known types, how long it stays. Pure."""

from base64 import b64decode
from binascii import Error
from collections.abc import Iterable
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool, TypeAdapter, ValidationError, model_validator

from bus.errors import InvalidRequest
from bus.messages.base import JsonObject, Text
from bus.messages.models import ModelName, duration_seconds
from coordinator.gateway.llm import reading
from coordinator.gateway.llm.ollama.errors import no_body
from coordinator.gateway.llm.reading import Foreign, wrong

M = TypeVar("M", bound=BaseModel)

DOOR: Final = "ollama"
INVALID_NAME: Final = "invalid model name"
_LONGEST_NAME: Final = 255
Whole = int | float
_LEVELS: Final = ("low", "medium", "high")


class Options(Foreign):
    """Of `options`, those whose type Ollama insists on; it refuses others' values, and so they would cost a host an attempt."""

    model_config = ConfigDict(extra="allow", strict=True)

    num_keep: Whole | None = None
    seed: Whole | None = None
    num_predict: Whole | None = None
    top_k: Whole | None = None
    repeat_last_n: Whole | None = None
    mirostat: Whole | None = None
    num_ctx: Whole | None = None
    num_batch: Whole | None = None
    num_gpu: Whole | None = None
    main_gpu: Whole | None = None
    num_thread: Whole | None = None
    top_p: float | None = None
    min_p: float | None = None
    typical_p: float | None = None
    temperature: float | None = None
    repeat_penalty: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    mirostat_tau: float | None = None
    mirostat_eta: float | None = None
    penalize_newline: StrictBool | None = None
    stop: list[Text] | None = None


_WHOLE: Final = frozenset(name for name, known in Options.model_fields.items() if known.annotation == Whole | None)


class Named(Foreign):
    """`name` is what older clients call it; the command line sends both, one of them empty."""

    model: Text = Field(default="", max_length=_LONGEST_NAME)

    @model_validator(mode="before")
    @classmethod
    def _by_either(cls, body: Any) -> Any:
        return {**body, "model": body.get("model") or body["name"]} if isinstance(body, dict) and body.get("name") else body


class Asking(Named):
    """What chat, generate and the embedding paths all take."""

    stream: bool | None = None
    options: JsonObject | None = None
    keep_alive: JsonValue = None

    @property
    def streamed(self) -> bool:
        return self.stream is not False

    @property
    def unloads(self) -> bool:
        """Whether the model is to leave memory as soon as this is done."""
        return self.keep_alive is not None and seconds_of(self.keep_alive) == 0


def read(model: type[M], body: bytes) -> M:
    """InvalidJson, InvalidRequest."""
    if not body.strip():
        raise no_body()
    return reading.read(model, body)


def named(asked: Named) -> str:
    if not asked.model:
        raise wrong("model", "model is required")
    return asked.model


def options_of(asked: Asking) -> JsonObject:
    """In the words of a task's options, which are Ollama's. InvalidRequest in Ollama's words."""
    given = {name: value for name, value in (asked.options or {}).items() if value is not None}
    try:
        Options.model_validate(given)
    except ValueError as error:
        raise _odd_option(error) from None
    found: JsonObject = {name: _as_whole(value) if name in _WHOLE else value for name, value in given.items()}
    if asked.keep_alive is not None:
        seconds_of(asked.keep_alive)
        found["keep_alive"] = asked.keep_alive
    return found


def _as_whole(value: JsonValue) -> JsonValue:
    """JSON has one kind of number, and Ollama cuts what is behind the point."""
    return int(value) if isinstance(value, float) else value


_NAME: Final[TypeAdapter[str]] = TypeAdapter(ModelName)


def is_name(model: str) -> bool:
    """Whether a model can be called so at all; its host may be stricter."""
    try:
        _NAME.validate_python(model)
    except ValidationError:
        return False
    return True


def _odd_option(error: ValueError) -> InvalidRequest:
    [*_, found] = getattr(error, "errors", lambda: [{"loc": ("?",)}])()
    name = str(found["loc"][0])
    kind = (
        "[]string"
        if name == "stop"
        else "boolean"
        if name == "penalize_newline"
        else "integer"
        if name in _WHOLE
        else "float32"
    )
    return wrong(f"options.{name}", f'option "{name}" must be of type {kind}')


def seconds_of(keep_alive: JsonValue) -> float:
    """InvalidRequest for what is no duration."""
    try:
        return float(duration_seconds(keep_alive))
    except ValueError:
        raise wrong("keep_alive", f'time: invalid duration "{str(keep_alive)[:64]}"') from None


def format_of(form: JsonValue) -> Literal["json"] | JsonObject | None:
    """`""` and null are none, as for Ollama."""
    if form is None or form == "":
        return None
    if form == "json" or isinstance(form, dict):
        return form  # type: ignore[return-value]  # narrowed by both sides of the `or`
    raise wrong("format", f'invalid format: {str(form)[:64]!r}; expected "json" or a valid JSON Schema object')


def think_of(think: Any) -> bool | str | None:
    if think is None or isinstance(think, bool) or think in _LEVELS:
        return think  # type: ignore[no-any-return]
    raise wrong("think", 'invalid think value; it is true, false, "high", "medium" or "low"')


def images_of(images: Iterable[str] | None, where: str) -> tuple[str, ...]:
    """In base64, as they came. InvalidRequest for what is none, or has a data: prefix."""
    found = tuple(images or ())
    for index, image in enumerate(found):
        try:
            b64decode(image, validate=True)
        except (Error, ValueError):
            raise wrong(f"{where}.{index}", "illegal base64 data: an image is sent in base64, without a data: prefix") from None
    return found
