"""The worker of the bare pipeline: fetch, acknowledge, publish a result. Nothing of Hive. `python -m tests.bench.bare_worker URL`"""

import asyncio
import sys

import nats
import uvloop

BATCH = 64


async def work(url: str) -> None:
    client = await nats.connect(url)
    js = client.jetstream()
    subscription = await js.pull_subscribe("bare.tasks", durable="bare", stream="BARE_TASKS")
    while True:
        try:
            messages = await subscription.fetch(BATCH, timeout=1)
        except TimeoutError:
            continue
        results = []
        for message in messages:
            await message.ack()
            results.append(js.publish("bare.results", message.data))
        await asyncio.gather(*results)


if __name__ == "__main__":
    uvloop.run(work(sys.argv[1]))
