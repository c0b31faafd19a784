"""The real OBS Studio on a virtual screen of its own, driven through obs-websocket.

Each instance has its own X server, home and configuration, so several can run side by side and none sees the user's.
"""

import asyncio
import base64
import io
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp
from PIL import Image
from Xlib.display import Display
from Xlib.protocol.event import ClientMessage
from Xlib.X import NoEventMask

from tests.support import free_port, wait_until

CANVAS = (1280, 720)
SCENE = "Scene"
START_TIMEOUT_S = 60.0
QUIT_TIMEOUT_S = 60.0
DRIVER = Path(__file__).parent / "obs_driver.py"

GLOBAL_INI = """[General]
Language={language}
FirstRun=true
InfoIncrement=99
EnableAutoUpdates=false
Pre19Defaults=false
Pre21Defaults=false
Pre23Defaults=false
Pre24.1Defaults=false

[Basic]
Profile=CI
ProfileDir=CI
SceneCollection=CI
SceneCollectionFile=CI

[BasicWindow]
SysTrayEnabled=false
PreviewEnabled=false

[OBSWebSocket]
FirstLoad=false
ServerEnabled=true
ServerPort={port}
AlertsEnabled=false
AuthRequired=false
"""

BASIC_INI = """[General]
Name=CI

[Video]
BaseCX={width}
BaseCY={height}
OutputCX={width}
OutputCY={height}
FPSCommon=30

[Output]
Mode=Simple

[SimpleOutput]
FilePath={recordings}
RecFormat=mkv
RecQuality=Small
RecEncoder=x264
"""


def missing() -> str:
    """What this machine lacks to run OBS headless, as a reason to skip; empty when nothing."""
    lacking = [program for program in ("obs", "Xvfb") if shutil.which(program) is None]
    return f"not installed: {', '.join(lacking)} (apt install obs-studio xvfb)" if lacking else ""


class ObsStudio:
    """One run of OBS: ``async with ObsStudio(folder, scripts) as obs``.

    Args:
        folder: a folder for this run alone, made if missing.
        scripts: path and settings of each script to load. The driver behind ``call`` is added, if there is any.
        environ: further environment variables for OBS.
        desktop: run a window manager beside it (openbox), so that windows are raised and focused as a user's are.
        canvas: width and height of what OBS broadcasts.
    """

    def __init__(
        self,
        folder: Path,
        scripts: dict[Path, dict[str, Any]],
        environ: dict[str, str] | None = None,
        desktop: bool = False,
        canvas: tuple[int, int] = CANVAS,
        language: str = "en-US",
    ):
        self.folder = folder
        self.log_file = folder / "obs.log"
        self.recordings = folder / "recordings"
        self.port = free_port()
        self.display = ""
        self._extra = environ or {}
        self._canvas = canvas
        self._language = language
        self._desktop = desktop
        self._config = folder / "config" / "obs-studio"
        self._driver = folder / "driver"
        self._calls = 0
        self._screen: asyncio.subprocess.Process | None = None
        self._manager: asyncio.subprocess.Process | None = None
        self._obs: asyncio.subprocess.Process | None = None
        self._http: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._write_config({**scripts, DRIVER: {"folder": str(self._driver)}} if scripts else {})

    async def __aenter__(self) -> "ObsStudio":
        try:
            await self.start()
        except BaseException:
            await self.kill()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._obs is not None:
                await self.quit()
        finally:
            await self.kill()

    @property
    def pid(self) -> int:
        """Of the running OBS."""
        assert self._obs is not None
        return self._obs.pid

    @property
    def log(self) -> str:
        """Everything OBS has logged so far."""
        return self.log_file.read_text(encoding="utf-8", errors="replace") if self.log_file.exists() else ""

    def plugin_path(self, name: str) -> Path:
        """Where a user's binary plugin of this name belongs; its folder is made."""
        path = self._config / "plugins" / name / "bin" / "64bit" / f"{name}.so"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def profile_path(self) -> Path:
        """The file of the profile's settings."""
        return self._config / "basic" / "profiles" / "CI" / "basic.ini"

    def collection(self) -> dict[str, Any]:
        """The scene collection as OBS has saved it."""
        text = (self._config / "basic" / "scenes" / "CI.json").read_text(encoding="utf-8")
        collection: dict[str, Any] = json.loads(text)
        return collection

    async def start(self) -> None:
        """Start the X server and OBS and wait until it answers."""
        if self._screen is None:
            await self._start_screen()
            if self._desktop:
                self._manager = await asyncio.create_subprocess_exec(
                    *("openbox", "--sm-disable"),
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.DEVNULL,
                    env=self._environ(),
                )
        with self.log_file.open("ab") as log:
            self._obs = await asyncio.create_subprocess_exec(
                *("obs", "--collection", "CI", "--profile", "CI", "--multi", "--unfiltered_log", "--verbose"),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, env=self._environ(),
            )  # fmt: skip
        self._http = aiohttp.ClientSession()
        await wait_until(self._connect, START_TIMEOUT_S)
        await self.until(self._answering)

    async def quit(self) -> int:
        """Close the main window as a user does, and wait for the end.

        Returns:
            OBS's exit code.
        """
        assert self._obs is not None
        await self._disconnect()
        process, self._obs = self._obs, None
        try:
            await asyncio.to_thread(self._close_window)
            return await asyncio.wait_for(process.wait(), QUIT_TIMEOUT_S)
        except BaseException:
            process.kill()
            await process.wait()
            raise

    async def kill(self) -> None:
        """Take everything down at once, whatever its state."""
        await self._disconnect()
        for process in (self._obs, self._manager, self._screen):
            if process is not None and process.returncode is None:
                process.send_signal(signal.SIGKILL if process is self._obs else signal.SIGTERM)
                await process.wait()
        self._obs = self._manager = self._screen = None

    async def request(self, kind: str, **data: Any) -> dict[str, Any]:
        """One obs-websocket request, as in its protocol 5.

        Raises:
            RuntimeError: OBS refused; carries its comment.
        """
        assert self._socket is not None
        await self._socket.send_json({"op": 6, "d": {"requestType": kind, "requestId": kind, "requestData": data}})
        while True:
            message = await self._socket.receive_json(timeout=60)
            if message["op"] == 7:
                break
        status = message["d"]["requestStatus"]
        if not status["result"]:
            raise RuntimeError(f"{kind}: {status.get('comment', status['code'])}")
        response: dict[str, Any] = message["d"].get("responseData") or {}
        return response

    async def recorded(self) -> Path:
        """End the recording; the file, once OBS has written all of it."""
        path = Path((await self.request("StopRecord"))["outputPath"])

        async def written() -> bool:
            return not (await self.request("GetRecordStatus"))["outputActive"]

        await self.until(written)
        return path

    async def picture(self, source: str = SCENE) -> Image.Image:
        """What the scene (the program output) or a source looks like now, RGBA."""
        response = await self.request("GetSourceScreenshot", sourceName=source, imageFormat="png")
        return Image.open(io.BytesIO(base64.b64decode(response["imageData"].partition(",")[2]))).convert("RGBA")

    async def until(self, condition: Callable[[], Any], timeout: float = 60.0) -> None:
        """Wait for a condition, plain or async; a failure shows the end of the log, which usually says why."""
        try:
            await wait_until(condition, timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}\n--- the end of OBS's log ---\n{self.log[-6000:]}") from error

    async def logged(self, sentence: str) -> None:
        """Wait until a sentence stands in the log."""
        await self.until(lambda: sentence in self.log)

    async def press(self, button: str) -> str:
        """Press a button of the Moodcast script (its property name).

        Returns:
            The dialog's sentences after it.
        """
        return str(await self.call("press", button))

    async def call(self, function: str, argument: Any) -> Any:
        """Call a function of obs_driver.py on OBS's UI thread; both sides are JSON."""
        self._calls += 1
        answer = self._driver / f"{self._calls}.json"
        call = {"number": self._calls, "function": function, "argument": argument}
        (self._driver / "call.json").write_text(json.dumps(call), encoding="utf-8")
        # Any frontend event would do to reach the UI thread; this one changes nothing that a picture shows.
        await self.request("SetCurrentSceneTransitionDuration", transitionDuration=300 + self._calls)
        await self.until(answer.exists)
        return json.loads(answer.read_text(encoding="utf-8"))

    async def _start_screen(self) -> None:
        read, write = os.pipe()
        try:
            self._screen = await asyncio.create_subprocess_exec(
                *("Xvfb", "-displayfd", str(write), "-screen", "0", "1280x900x24", "-nolisten", "tcp", "-noreset"),
                stderr=asyncio.subprocess.DEVNULL, pass_fds=(write,),
            )  # fmt: skip
        finally:
            os.close(write)
        with os.fdopen(read) as pipe:
            number = (await asyncio.wait_for(asyncio.to_thread(pipe.readline), 60)).strip()
        if not number:
            raise RuntimeError("Xvfb did not start")
        self.display = f":{number}"

    async def _connect(self) -> bool:
        assert self._http is not None
        assert self._obs is not None
        if self._obs.returncode is not None:
            raise AssertionError(f"OBS ended with {self._obs.returncode}\n{self.log[-4000:]}")
        try:
            socket = await self._http.ws_connect(f"http://127.0.0.1:{self.port}", max_msg_size=0)
        except aiohttp.ClientError:
            return False
        await socket.receive_json(timeout=60)
        await socket.send_json({"op": 1, "d": {"rpcVersion": 1, "eventSubscriptions": 0}})
        await socket.receive_json(timeout=60)
        self._socket = socket
        return True

    async def _answering(self) -> bool:
        """obs-websocket listens before OBS is ready for requests."""
        try:
            await self.request("GetSceneList")
        except RuntimeError:
            return False
        return True

    async def _disconnect(self) -> None:
        if self._socket is not None:
            await self._socket.close()
        if self._http is not None:
            await self._http.close()
        self._socket = self._http = None

    def _close_window(self) -> None:
        """Send WM_DELETE_WINDOW to the main window. A SIGINT makes OBS 29 crash now and then."""
        display = Display(self.display)
        try:
            root = display.screen().root
            tops = root.query_tree().children
            # A window manager has put them into frames of its own.
            for window in [*tops, *(inner for top in tops for inner in top.query_tree().children)]:
                name = window.get_wm_class()
                title = window.get_wm_name() or ""
                if name is None or name[0] != "obs" or not str(title).startswith("OBS"):
                    continue
                protocols, delete = display.intern_atom("WM_PROTOCOLS"), display.intern_atom("WM_DELETE_WINDOW")
                event = ClientMessage(window=window, client_type=protocols, data=(32, [delete, 0, 0, 0, 0]))
                window.send_event(event, event_mask=NoEventMask)
                display.sync()  # the server has it before this connection ends
                return
            raise RuntimeError("OBS has no main window")
        finally:
            display.close()

    def _environ(self) -> dict[str, str]:
        """A clean environment: another Python on PATH would shadow the one that OBS was built with."""
        return {
            "PATH": "/usr/bin:/bin", "DISPLAY": self.display, "HOME": str(self.folder / "home"),
            "XDG_CONFIG_HOME": str(self.folder / "config"), "XDG_RUNTIME_DIR": str(self.folder / "run"),
            "LC_ALL": "C.UTF-8", "LIBGL_ALWAYS_SOFTWARE": "1", "QT_QPA_PLATFORM": "xcb",
            "TMPDIR": str(self.folder / "tmp"), "PYTHONDONTWRITEBYTECODE": "1", "MOODCAST_NO_FETCH": "true",
            **self._extra,
        }  # fmt: skip

    def _write_config(self, scripts: dict[Path, dict[str, Any]]) -> None:
        for name in ("home", "run", "tmp", "recordings"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "run").chmod(0o700)
        self._driver.mkdir(exist_ok=True)
        for part in ("basic/profiles/CI", "basic/scenes"):
            (self._config / part).mkdir(parents=True, exist_ok=True)
        width, height = self._canvas
        (self._config / "global.ini").write_text(
            GLOBAL_INI.format(port=self.port, language=self._language), encoding="utf-8"
        )
        profile = self.profile_path()
        profile.write_text(BASIC_INI.format(width=width, height=height, recordings=self.recordings), encoding="utf-8")
        collection = {
            "name": "CI", "current_scene": SCENE, "current_program_scene": SCENE, "current_transition": "Cut",
            "scene_order": [{"name": SCENE}],
            "sources": [{"id": "scene", "name": SCENE, "settings": {"items": [], "id_counter": 0}}],
            "modules": {"scripts-tool": [{"path": str(path), "settings": value} for path, value in scripts.items()]},
        }  # fmt: skip
        (self._config / "basic" / "scenes" / "CI.json").write_text(json.dumps(collection), encoding="utf-8")
