"""Models of a real Ollama, by the mouse: pulled with progress, loaded, measured, unloaded and deleted; and a pull that fails."""

import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Page, expect

from agent_sidecar.backends.builtin import weights
from tests.e2e.canvas import enter_by
from tests.e2e.test_three_backends import renamed
from tests.parts.hive import Hive
from tests.parts.ollama import MODEL, Ollama, ollama, ollama_binary
from tests.parts.registry import Registry

__all__ = ["ollama"]
pytestmark = pytest.mark.slow

HOST = "walnut"
PULLED = "pulled:135m"
WORK_MS = 60_000


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder, file = tmp_path_factory.mktemp("origin"), weights()
    origin = Ollama(ollama_binary(), folder)
    assert file is not None
    origin.start()
    try:
        origin.make_model(PULLED, renamed(file, folder / "pulled.gguf"))
    finally:
        origin.stop()
    found = Registry(origin.store)
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def running(ollama: Ollama, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hive]:
    hive = Hive(
        tmp_path_factory.mktemp("models") / "hive",
        HIVE_BACKENDS=f"{HOST}={ollama.url}?slots=2",
        HIVE_INSECURE_REGISTRIES=registry.address,
        HIVE_BENCHMARK_NEW="false",
        HIVE_MODELS_SECONDS="1",
    )
    hive.start()
    yield hive
    hive.stop()


async def test_a_model_is_pulled_loaded_unloaded_and_deleted(
    page: Page, running: Hive, registry: Registry, ollama: Ollama
) -> None:
    base = await enter_by(page, running)
    name = registry.name(PULLED)
    await page.goto(f"{base}/models")
    form = page.get_by_role("form", name="Pull a model")
    await form.get_by_label("Pull a model").fill(name)
    await form.get_by_label(HOST).check()
    bar = page.get_by_role("progressbar", name=f"Pull {name}")
    with registry.held():
        await form.get_by_role("button", name="Pull").click()
        await expect(bar).to_have_attribute("aria-valuenow", re.compile(r"\d+"), timeout=WORK_MS)
        await page.get_by_role("button", name=f"Cancel: Pull {name} on {HOST}").click()
        await expect(page.locator(".hv-jobs li").first).to_contain_text("admin cancelled it.")
        assert name not in ollama.on_disk()
    await expect(page.get_by_role("row").filter(has_text=name)).to_have_count(0)
    await page.locator(".hv-note").get_by_role("button", name="Undo").click()
    row = page.get_by_role("row").filter(has_text=name)
    await expect(row).to_have_count(1, timeout=WORK_MS)
    await expect(page.locator(".hv-jobs li").first).to_contain_text("Done")
    assert name in ollama.on_disk()

    await row.get_by_role("button", name=f"Load {name}").click()
    await expect(row).to_contain_text("in memory", timeout=WORK_MS)
    assert name in ollama.in_memory()

    await page.goto(f"{base}/agents/{HOST}")
    models = page.get_by_role("region", name="Models")
    await models.get_by_role("button", name=f"Unload {name}").click()
    await expect(models.get_by_role("button", name=f"Load {name}", exact=True)).to_be_visible(timeout=WORK_MS)
    assert name not in ollama.in_memory()

    await models.get_by_role("button", name=f"Delete {name}").click()
    await page.get_by_role("button", name="Keep it so").click()
    await models.get_by_role("button", name=f"Delete {name}").click()
    await page.get_by_role("button", name="Delete model").click()
    await expect(models.get_by_role("button", name=f"Delete {name}")).to_have_count(0, timeout=WORK_MS)
    assert ollama.on_disk() == {MODEL}


async def test_a_model_is_measured_and_the_figures_come_one_by_one(page: Page, running: Hive) -> None:
    base = await enter_by(page, running)
    await page.goto(f"{base}/agents/{HOST}")
    await page.get_by_role("button", name=f"Benchmark {MODEL}").click()
    # How long it loads is known first, and soon; on a processor that others use the rest takes minutes.
    measured = page.get_by_role("row").filter(has_text=re.compile(r"\d %|completed")).filter(has_text=MODEL)
    await expect(measured.get_by_role("cell").nth(1)).to_have_text(re.compile(r"\d\.\d s"), timeout=WORK_MS)


async def test_a_pull_that_fails_says_why(page: Page, running: Hive, registry: Registry) -> None:
    base = await enter_by(page, running)
    name = registry.name("nobody:1b")
    await page.goto(f"{base}/agents/{HOST}")
    await page.get_by_label("Pull a model").fill(name)
    await page.get_by_role("button", name="Pull", exact=True).click()
    failed = page.locator(".hv-jobs li[data-status=failed]").filter(has_text=name)
    await expect(failed).to_contain_text("Check the name", timeout=WORK_MS)
    await expect(failed.locator("code")).to_have_text(re.compile("[a-z_]+"))


async def test_a_drain_is_taken_back(page: Page, running: Hive) -> None:
    base = await enter_by(page, running)
    await page.goto(f"{base}/agents/{HOST}")
    await page.get_by_role("button", name="Drain").click()
    await expect(page.locator(".hv-away")).to_contain_text("Drained by admin", timeout=WORK_MS)
    await page.get_by_role("status").get_by_role("button", name="Undo").click()
    await expect(page.locator(".hv-state")).to_have_text("Online", timeout=WORK_MS)
