"""Settings of the demo."""

from typing import Annotated

import msgspec
from msgspec import Meta

from relay.config import RelaySettings

DEFAULT_PORT = RelaySettings().port


class DemoSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Options of ``moodcast demo``."""

    viewers: Annotated[int, Meta(ge=0, le=5000, description="Simulated viewers beside the real agent.")] = 200
    video: Annotated[
        str, Meta(description="Video or picture the agent watches in place of the webcam or the packaged portrait.")
    ] = ""
    seconds: Annotated[float, Meta(ge=0, description="Stop by itself after this long; 0 runs until Ctrl-C.")] = 0.0
    port: Annotated[
        int, Meta(ge=0, le=65535, description=f"Relay's port; 0 takes {DEFAULT_PORT}, or any free one if it is taken.")
    ] = 0
    no_browser: Annotated[bool, Meta(description="Do not open the overlay in a browser.")] = False
    no_fetch: Annotated[
        bool, Meta(description="Neither fetch nor compress what viewers' browsers read faces with, as of the relay.")
    ] = False
    yes: Annotated[bool, Meta(description="Use the webcam, if there is one, without asking.")] = False
    report: Annotated[str, Meta(description="Write a JSON report to this file at the end.")] = ""
    screenshot: Annotated[
        str, Meta(description="Write a PNG of the overlay, photographed in headless Chromium, to this file.")
    ] = ""
