import asyncio, os
from uuid import uuid4
from bus import subjects
from bus.messages import TaskStatus
from tests.integration.coordinator.conftest import Hive

async def test_long_owner(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = uuid4()
    await hive.publish(b'{"prompt":"hi"}', task_id, owner=os.urandom(4000).hex())
    good = await hive.submit()
    for _ in range(2):
        async with asyncio.timeout(8):
            await sidecar.complete(await sidecar.offered())
    assert (await hive.ended(good)).status is TaskStatus.COMPLETED

async def test_bad_subject(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    r, w = await asyncio.open_connection("127.0.0.1", int(hive.server.url.rsplit(":",1)[1]))
    from urllib.parse import urlsplit
    u = urlsplit(hive.server.url)
    w.write(b'CONNECT {"verbose":false,"user":"%s","pass":"%s"}\r\n' % (u.username.encode(), u.password.encode()))
    w.write(b'PUB hive.tasks.submit.default.medium.\xff\xfe 15\r\n{"prompt":"hi"}\r\nPING\r\n')
    await w.drain()
    print(await asyncio.wait_for(r.read(5000), 3))
    await asyncio.sleep(0.3)
    good = await hive.submit()
    async with asyncio.timeout(8):
        await sidecar.complete(await sidecar.offered())
    assert (await hive.ended(good)).status is TaskStatus.COMPLETED
