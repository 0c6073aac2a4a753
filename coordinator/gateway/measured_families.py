"""What agents measure of themselves and how well models did, as the monitor heard it: for dashboards. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric

from bus.messages import PerformanceMetrics
from bus.messages.cluster import ModelQuality

_OF_AGENTS: Final = (
    ("cpu_usage_percent", "cpu_usage", "CPU of an agent's host in use."),
    ("memory_usage_percent", "memory_usage", "Memory of an agent's host in use."),
    ("disk_usage_percent", "disk_usage", "Disk of an agent's host in use."),
    ("gpu_usage_percent", "gpu_usage", "Use of an agent's cards."),
    ("gpu_memory_percent", "gpu_memory", "Memory of an agent's cards in use."),
    ("gpu_temperature_celsius", "gpu_temperature", "Temperature of an agent's hottest card."),
    ("gpu_power_watts", "gpu_power_watts", "Power that an agent's cards draw."),
    ("generated_tokens_per_second", "tokens_per_second", "Tokens that an agent generates in a second."),
)
"""Name, field of PerformanceMetrics, and what it is."""


def of_agents(measured: Sequence[PerformanceMetrics]) -> Iterator[Metric]:
    """What an agent does not measure has no sample."""
    for name, field, text in _OF_AGENTS:
        family = GaugeMetricFamily(f"hive_agent_{name}", text, labels=("agent_id",))
        for metrics in measured:
            value = getattr(metrics, field)
            if value is not None:
                family.add_metric((metrics.agent_id,), value)
        yield family


def of_models(models: Sequence[ModelQuality]) -> Iterator[Metric]:
    """Gauges, since they are counted anew from what the stream of events still holds when a monitor starts."""
    ended = GaugeMetricFamily(
        "hive_model_ended_tasks",
        "Tasks of a model that ended, from the oldest that was kept when the monitor started.",
        labels=("model", "status"),
    )
    rate = GaugeMetricFamily("hive_model_success_rate", "Of 1, those of the last hour that completed.", labels=("model",))
    for model in models:
        for status in ("completed", "failed", "cancelled"):
            ended.add_metric((model.model, status), getattr(model, status))
        if model.success_rate is not None:
            rate.add_metric((model.model,), model.success_rate)
    yield from (ended, rate)
