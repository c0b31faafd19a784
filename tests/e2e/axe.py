"""axe-core on a page: what hinders people who use a screen reader, a keyboard, or see little."""

from importlib.resources import files

import pytest
from playwright.async_api import Page

RUN = """async () => (await axe.run(document, {
    iframes: false, resultTypes: ["violations"],
    // A picture that lies over a video is no document to read through: it has no headings.
    rules: { "page-has-heading-one": { enabled: document.querySelector(".moodcast") === null } },
})).violations.map(({ id, impact, nodes }) =>
    `${id} (${impact}): ` + nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join("; "))"""


async def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with the page and its frames, one line for each kind, with the elements."""
    pytest.importorskip("axe_playwright_python", reason="no axe-core: install moodcast[dev]")
    source = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
    found = list[str]()
    for frame in page.frames:
        await frame.evaluate(source)  # no script of the page's: its policy has no say
        found += await frame.evaluate(RUN)
    return found
