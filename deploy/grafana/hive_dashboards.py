"""What Hive's dashboards show. The names are those of docs/metrics.md, and of the usual exporters of NATS and PostgreSQL.

Each gateway tells of the whole hive, and all of them may be scraped: what is not a gateway's own (`hive_api_*`) is taken once, by `max`.
The process that a gateway tells of is `exported_instance`, since Prometheus calls the gateway `instance`.
"""

from typing import Final

from deploy.grafana.panels import Dashboard, Panel

_AGENT: Final = '{agent_id=~"$agent_id"}'
_MODEL: Final = '{model=~"$model"}'


def _of_agents(title: str, name: str, unit: str, description: str, most: float | None = None) -> Panel:
    return Panel(
        title=title,
        queries=((f"max by (agent_id) (hive_agent_{name}{_AGENT})", "{{agent_id}}"),),
        unit=unit,
        description=description,
        most=most,
    )


def _slowest(of_100: int) -> tuple[str, str]:
    rate = "sum by (le, route) (rate(hive_api_request_duration_seconds_bucket[$__rate_interval]))"
    return f"topk(8, histogram_quantile(0.{of_100}, {rate}))", "{{route}}"


CLUSTER: Final = Dashboard(
    uid="hive-cluster",
    title="Hive: cluster",
    panels=(
        Panel(
            title="Agents",
            kind="stat",
            width=4,
            queries=(("max(hive_active_agents_total)", ""),),
            description="That are not offline.",
        ),
        Panel(
            title="Waiting tasks",
            kind="stat",
            width=4,
            queries=(('sum(max by (class) (hive_task_queue_length{class!="pending"}))', ""),),
            description="Those that wait for other tasks are left out.",
        ),
        Panel(
            title="Use of slots",
            kind="stat",
            width=4,
            unit="percent",
            queries=(("avg(hive_agent_utilization_percent)", ""),),
            description="Mean over agents.",
        ),
        Panel(
            title="Mean time of a task",
            kind="stat",
            width=4,
            unit="s",
            queries=(("max(hive_average_task_completion_time)", ""),),
            description="Of the last hour, from submit to end.",
        ),
        Panel(
            title="Executions that succeed",
            kind="stat",
            width=4,
            unit="percentunit",
            queries=(("max(hive_execution_success_rate)", ""),),
            description="Of the last hour.",
        ),
        Panel(
            title="Tokens a second",
            kind="stat",
            width=4,
            queries=(("sum(max by (agent_id) (hive_agent_generated_tokens_per_second))", ""),),
            description="All agents together.",
        ),
        Panel(
            title="Requests",
            unit="reqps",
            queries=(
                ("sum by (route) (rate(hive_api_request_duration_seconds_count[$__rate_interval]))", "{{route}}"),
                ("sum(rate(hive_api_errors_total[$__rate_interval]))", "errors"),
            ),
            description="Of the gateways, by route.",
        ),
        Panel(
            title="95 of 100 requests are answered within",
            unit="s",
            queries=(_slowest(95),),
            description="By route, streams to their end. A dot leads to a trace.",
        ),
        Panel(
            title="CPU of Hive's processes",
            unit="percent",
            queries=(
                ("max by (service, exported_instance) (hive_container_cpu_usage_percent)", "{{service}} {{exported_instance}}"),
            ),
            description="100 is one core.",
        ),
        Panel(
            title="Memory of Hive's processes",
            unit="bytes",
            queries=(
                (
                    "max by (service, exported_instance) (hive_container_memory_usage_bytes)",
                    "{{service}} {{exported_instance}}",
                ),
            ),
            description="Of the container, else the process.",
        ),
        Panel(
            title="Open WebSocket connections",
            queries=(
                ("sum by (service) (max by (service, exported_instance) (hive_websocket_connections_active))", "{{service}}"),
            ),
            description="Pages and clients of the gateways.",
        ),
        Panel(
            title="Processes that answer",
            queries=(('sum by (service) (up{job="hive-services"})', "{{service}}"), ('sum(up{job="hive"})', "gateway")),
            description="To the scrape of their own /metrics.",
        ),
    ),
)

AGENTS: Final = Dashboard(
    uid="hive-agents",
    title="Hive: agents",
    variables=(("agent_id", "hive_agent_health_status"),),
    panels=(
        _of_agents("Health", "health_status", "short", "1 online or draining, 0.5 degraded, 0 offline.", 1),
        _of_agents("Use of slots", "utilization_percent", "percent", "Slots that have an attempt.", 100),
        _of_agents("Tokens a second", "generated_tokens_per_second", "short", "That the agent generates."),
        _of_agents("Use of cards", "gpu_usage_percent", "percent", "Where the cards tell.", 100),
        _of_agents("Memory of cards", "gpu_memory_percent", "percent", "In use.", 100),
        _of_agents("Temperature of cards", "gpu_temperature_celsius", "celsius", "Of the hottest."),
        _of_agents("Power of cards", "gpu_power_watts", "watt", "Where the cards tell."),
        _of_agents("CPU", "cpu_usage_percent", "percent", "Of the agent's host.", 100),
        _of_agents("Memory", "memory_usage_percent", "percent", "Of the agent's host.", 100),
        _of_agents("Disk", "disk_usage_percent", "percent", "Of the agent's host.", 100),
        _of_agents("Models held back", "held_models", "short", "That keep failing there and are not given to the agent."),
    ),
)

MODELS: Final = Dashboard(
    uid="hive-models",
    title="Hive: models",
    variables=(("model", "hive_model_ended_tasks"),),
    panels=(
        Panel(
            title="Tasks that ended",
            kind="bargauge",
            queries=((f"max by (model, status) (hive_model_ended_tasks{_MODEL})", "{{model}} {{status}}"),),
            description="From the oldest that was kept when the monitor started.",
        ),
        Panel(
            title="Tasks that succeed",
            unit="percentunit",
            most=1,
            queries=((f"max by (model) (hive_model_success_rate{_MODEL})", "{{model}}"),),
            description="Of those of the last hour that completed or failed.",
        ),
        Panel(
            title="Most used",
            kind="table",
            queries=(('topk(20, max by (model) (hive_model_ended_tasks{model=~"$model", status="completed"}))', ""),),
            description="By completed tasks.",
        ),
        Panel(
            title="Models held back",
            queries=(("max by (agent_id) (hive_agent_held_models) > 0", "{{agent_id}}"),),
            description="Agents on which models keep failing.",
        ),
    ),
)

QUEUE: Final = Dashboard(
    uid="hive-queue",
    title="Hive: queue",
    panels=(
        Panel(
            title="Waiting tasks",
            stacked=True,
            width=24,
            queries=(("max by (class) (hive_task_queue_length)", "{{class}}"),),
            description="By class; pending ones wait for other tasks.",
        ),
        Panel(
            title="Waiting tasks for each agent that is there",
            queries=(
                (
                    'sum(max by (class) (hive_task_queue_length{class!="pending"})) / scalar(max(hive_active_agents_total))',
                    "tasks",
                ),
            ),
            description="How far the hive is behind.",
        ),
        Panel(
            title="Change of the queue",
            queries=(('sum(max by (class) (deriv(hive_task_queue_length{class!="pending"}[5m]))) * 60', "tasks a minute"),),
            description="Above zero more come than are done.",
        ),
        Panel(
            title="Mean time of a task",
            unit="s",
            queries=(("max(hive_average_task_completion_time)", "mean"),),
            description="Of the last hour, the wait included.",
        ),
        Panel(
            title="Use of slots",
            unit="percent",
            most=100,
            queries=(("avg(hive_agent_utilization_percent)", "mean"), ("min(hive_agent_utilization_percent)", "least")),
            description="A queue beside free slots: no agent has what the tasks ask for.",
        ),
    ),
)

WORKFLOWS: Final = Dashboard(
    uid="hive-workflows",
    title="Hive: workflows",
    panels=(
        Panel(
            title="Executions that ended",
            queries=(("max by (status) (rate(hive_workflow_executions_total[$__rate_interval])) * 60", "{{status}}"),),
            description="A minute.",
        ),
        Panel(
            title="Executions that succeed",
            unit="percentunit",
            most=1,
            queries=(("max(hive_execution_success_rate)", "rate"),),
            description="Of the last hour.",
        ),
        Panel(
            title="Executions that wait for a place",
            queries=(("sum by (instance) (hive_workflow_waiting_executions)", "{{instance}}"),),
            description="In each engine.",
        ),
        Panel(
            title="Free places",
            queries=(("sum by (instance) (hive_workflow_free_places)", "{{instance}}"),),
            description="Executions that each engine would take now.",
        ),
        Panel(
            title="Held input",
            unit="bytes",
            queries=(("sum by (instance) (hive_workflow_held_bytes)", "{{instance}}"),),
            description="What executions in memory were started with.",
        ),
        Panel(
            title="Workflows created today",
            kind="stat",
            queries=(("max(hive_workflows_created_daily)", ""),),
            description="On the present day of UTC.",
        ),
    ),
)

NATS: Final = Dashboard(
    uid="hive-nats",
    title="Hive: NATS",
    panels=(
        Panel(
            title="Messages",
            unit="cps",
            queries=(
                ("sum(rate(gnatsd_varz_in_msgs[$__rate_interval]))", "in"),
                ("sum(rate(gnatsd_varz_out_msgs[$__rate_interval]))", "out"),
            ),
            description="A second, by prometheus-nats-exporter -varz.",
        ),
        Panel(
            title="Bytes",
            unit="Bps",
            queries=(
                ("sum(rate(gnatsd_varz_in_bytes[$__rate_interval]))", "in"),
                ("sum(rate(gnatsd_varz_out_bytes[$__rate_interval]))", "out"),
            ),
            description="A second.",
        ),
        Panel(
            title="Connections",
            queries=(("gnatsd_varz_connections", "{{server_id}}"), ("gnatsd_varz_slow_consumers", "slow {{server_id}}")),
            description="And clients that were too slow.",
        ),
        Panel(
            title="Memory",
            unit="bytes",
            queries=(("gnatsd_varz_mem", "{{server_id}}"),),
            description="Of each server.",
        ),
        Panel(
            title="Streams",
            unit="bytes",
            stacked=True,
            queries=(('max by (stream_name) (jetstream_stream_total_bytes{stream_name=~"HIVE_.+"})', "{{stream_name}}"),),
            description="What each holds, by prometheus-nats-exporter -jsz=all.",
        ),
        Panel(
            title="Messages that consumers have before them",
            queries=(
                ("max by (stream_name, consumer_name) (jetstream_consumer_num_pending)", "{{stream_name}} {{consumer_name}}"),
            ),
            description="sink_influx and sink_otlp are the metrics sinks. Each server that has a copy tells it.",
        ),
        Panel(
            title="Connections lost by Hive's processes",
            queries=(("increase(hive_bus_connections_total[$__rate_interval])", "{{service}}"),),
            description="Each made anew.",
        ),
        Panel(
            title="The metrics sinks",
            queries=(
                ("hive_sink_waiting_samples", "{{sink}} waiting"),
                ("rate(hive_sink_written_samples_total[$__rate_interval])", "{{sink}} written a second"),
            ),
            description="Where HIVE_INFLUX_URL or HIVE_OTLP_ENDPOINT is set.",
        ),
    ),
)

POSTGRES: Final = Dashboard(
    uid="hive-postgres",
    title="Hive: PostgreSQL",
    variables=(("datname", "pg_stat_database_numbackends"),),
    panels=(
        Panel(
            title="Sessions in Hive's database",
            stacked=True,
            queries=(("max by (state) (hive_database_connections_active)", "{{state}}"),),
            description="As the coordinator sees them.",
        ),
        Panel(
            title="Sessions",
            queries=(
                ('pg_stat_database_numbackends{datname=~"$datname"}', "{{datname}}"),
                ("pg_settings_max_connections", "most"),
            ),
            description="By postgres_exporter.",
        ),
        Panel(
            title="Transactions",
            unit="ops",
            queries=(
                ('rate(pg_stat_database_xact_commit{datname=~"$datname"}[$__rate_interval])', "{{datname}} committed"),
                ('rate(pg_stat_database_xact_rollback{datname=~"$datname"}[$__rate_interval])', "{{datname}} rolled back"),
            ),
            description="A second.",
        ),
        Panel(
            title="Reads from memory",
            unit="percentunit",
            most=1,
            queries=(
                (
                    'rate(pg_stat_database_blks_hit{datname=~"$datname"}[$__rate_interval]) / '
                    '(rate(pg_stat_database_blks_hit{datname=~"$datname"}[$__rate_interval]) + '
                    'rate(pg_stat_database_blks_read{datname=~"$datname"}[$__rate_interval]))',
                    "{{datname}}",
                ),
            ),
            description="Of all blocks that were read.",
        ),
        Panel(
            title="Size",
            unit="bytes",
            queries=(('pg_database_size_bytes{datname=~"$datname"}', "{{datname}}"),),
            description="Of each database.",
        ),
        Panel(
            title="Deadlocks",
            queries=(('increase(pg_stat_database_deadlocks{datname=~"$datname"}[$__rate_interval])', "{{datname}}"),),
            description="Should be none.",
        ),
    ),
)

DASHBOARDS: Final = (CLUSTER, AGENTS, MODELS, QUEUE, WORKFLOWS, NATS, POSTGRES)
