"""The spans of a sidecar: one attempt, and within it what is asked of the backend, in OpenTelemetry's words for generative models."""

from agent_sidecar.backends.backend import Backend, Result
from bus import tracing
from bus.messages import DispatchOffer
from bus.tracing import Open, Value


def attempt_span(offer: DispatchOffer, agent_id: str) -> Open:
    if not tracing.on():
        return tracing.NOTHING
    found: dict[str, Value | None] = {
        "hive.task.id": str(offer.task_id),
        "hive.attempt.id": str(offer.attempt_id),
        "hive.attempt.number": offer.number,
        "hive.agent.id": agent_id,
    }
    return tracing.span("attempt", "consumer", found)


def generation_span(offer: DispatchOffer, backend: Backend) -> Open:
    if not tracing.on():
        return tracing.NOTHING
    operation = offer.kind.operation
    found = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": "hive" if backend.kind == "builtin" else backend.kind,
        "gen_ai.request.model": offer.model,
        "server.address": backend.endpoint,
    }
    return tracing.span(f"{operation} {offer.model}", "client", found)


def describe_result(span: Open, result: Result, first_token_seconds: float | None) -> None:
    if span is tracing.NOTHING:
        return
    span.set("gen_ai.usage.input_tokens", result.usage.prompt_tokens)
    span.set("gen_ai.usage.output_tokens", result.usage.completion_tokens)
    span.set("gen_ai.response.finish_reasons", (result.finish_reason,) if result.finish_reason else None)
    span.set("hive.time_to_first_token", first_token_seconds)
