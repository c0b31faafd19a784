"""The shipped classifiers also run in a browser: onnxruntime-web (from npm) in a real Chromium, same answers."""

import shutil
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Route

from models.inference import registry
from models.inference.infer import load_still
from models.inference.registry import Packaged, Weights
from tests.e2e.conftest import OpenPage

PACKAGE = "onnxruntime-web@1.23.0"
SHIPPED = [entry for entry in registry.WEIGHTS.values() if entry.is_still and isinstance(entry.sources[0], Packaged)]
ORIGIN = "http://models.test"  # Playwright answers for it: nothing is asked of a network
PAGE = "<!doctype html><script src='/ort.wasm.min.js'></script>"
RUN = """async ([faces, shape]) => {
    ort.env.wasm.numThreads = 1;
    const session = await ort.InferenceSession.create("/model.onnx", {executionProviders: ["wasm"]});
    const input = new ort.Tensor("float32", Float32Array.from(faces), shape);
    const answer = await session.run({[session.inputNames[0]]: input});
    return Array.from(answer[session.outputNames[0]].data);
}"""


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder ``dist`` of the npm package; skips the test where it can't be had."""
    npm, folder = shutil.which("npm"), tmp_path_factory.mktemp("onnxruntime-web")
    if npm is None:
        pytest.skip("no npm on the PATH: onnxruntime-web can't be fetched")
    fetched = subprocess.run(
        [npm, "pack", PACKAGE, "--silent"], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    if fetched.returncode:
        pytest.skip(f"npm can't fetch {PACKAGE}: {fetched.stderr.strip()[-200:]}")
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package" / "dist"


@pytest.mark.parametrize(
    "entry",
    [pytest.param(entry, marks=() if entry.name == registry.DEFAULT else pytest.mark.nightly) for entry in SHIPPED],
    ids=lambda entry: entry.name,
)
async def test_a_browser_gives_the_same_answers(entry: Weights, runtime: Path, open_page: OpenPage) -> None:
    assert entry.crop
    size, classifier = entry.crop.size, load_still(entry.name)
    faces = np.random.default_rng(5).integers(0, 256, (3, size, size), dtype=np.uint8)
    page = await open_page("about:blank", expected=("Unknown CPU vendor",))

    async def answer(route: Route) -> None:
        name = route.request.url.removeprefix(f"{ORIGIN}/")
        if name:
            file = registry.path(entry.name) if name == "model.onnx" else runtime / name
            await route.fulfill(path=file)
        else:
            await route.fulfill(
                content_type="text/html", body="<!doctype html><script src='/ort.wasm.min.js'></script>"
            )

    await page.route(f"{ORIGIN}/**", answer)
    await page.goto(f"{ORIGIN}/")
    found = await page.evaluate(RUN, [faces.astype(float).ravel().tolist(), [len(faces), 1, size, size]])
    expected = np.stack([classifier.probabilities(face) for face in faces])
    # Sums of integers are rounded elsewhere in a browser.
    assert np.allclose(np.reshape(found, expected.shape), expected, atol=1e-2)
