"""Celery's side of the benchmark: a task that answers at once. Runs in an environment of its own, without Hive."""

import os

from celery import Celery

app = Celery("bench", broker=os.environ["BENCH_REDIS_URL"], backend=os.environ["BENCH_REDIS_URL"])
# A worker that dies gives its task back, as far as Celery does that: nearest to what the others promise.
app.conf.update(task_acks_late=True, worker_prefetch_multiplier=64, task_serializer="json", result_expires=60)


@app.task
def echo(prompt: str) -> str:
    return prompt
