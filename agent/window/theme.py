"""How the window looks: sv-ttk's theme in the pixels of this screen, its fonts, and the styles that screens name."""

import contextlib
import io
import re
import sys
import tkinter
from collections.abc import Mapping
from pathlib import Path
from tkinter import font, ttk
from typing import Literal, NamedTuple

import sv_ttk
from PIL import Image

from agent.desktop.shade import Shade
from relay.common.texts import Language

_USUAL_DPI = 96.0

_LATIN = (
    "Segoe UI Variable", "Segoe UI", "SF Pro Text", "Inter", "Cantarell", "Ubuntu", "Noto Sans", "Open Sans",
)  # fmt: skip
"""With Cyrillic and Vietnamese letters."""
_FAMILIES: dict[Language, tuple[str, ...]] = {
    "zh-TW": (
        "Microsoft JhengHei UI", "PingFang TC", "Noto Sans CJK TC", "Noto Sans TC", "Source Han Sans TC",
        "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback",
    ),
    "zh-CN": (
        "Microsoft YaHei UI", "PingFang SC", "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC",
        "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback",
    ),
    "ja": (
        "Yu Gothic UI", "Meiryo UI", "Hiragino Sans", "Noto Sans CJK JP", "Noto Sans JP", "Source Han Sans JP",
        "IPAexGothic", "IPAGothic", "TakaoGothic", "VL Gothic", "WenQuanYi Zen Hei", "Droid Sans Fallback",
    ),
}  # fmt: skip
"""Where one is installed, the first of these is used; else the system's own, which looks elsewhere for such signs."""
_SIGNS: dict[Language, str] = {"zh-TW": "\u7e41", "zh-CN": "\u7b80", "ja": "\u3042"}
"""One that no font without the language has."""
_BOLD = ("SunValleyBodyStrongFont", "SunValleySubtitleFont", "SunValleyTitleFont")
_SIZES = {
    "Caption": 12, "Body": 14, "BodyStrong": 14, "BodyLarge": 18, "Subtitle": 20, "Title": 28, "TitleLarge": 40,
    "Display": 68,
}  # fmt: skip
"""Heights of sv-ttk's named fonts, in pixels at 96 dots an inch."""
_LENGTHS = re.compile(r"(-(?:border|width|height|padding|sashthickness)) (\{[\d ]+\}|\d+)")
"""In sv-ttk's files: what is given in pixels."""


class Colors(NamedTuple):
    """Of a shade, for what is drawn by hand."""

    ground: str
    card: str
    text: str
    muted: str
    accent: str
    problem: str
    good: str
    selected: str
    disabled: str


COLORS: dict[Shade, Colors] = {
    "dark": Colors("#1c1c1c", "#262626", "#fafafa", "#a8a8a8", "#57c8ff", "#ff99a4", "#6ccb5f", "#2f60d8", "#595959"),
    "light": Colors("#fafafa", "#ffffff", "#1c1c1c", "#5d5d5d", "#005fb8", "#b3261e", "#0f7b0f", "#2f60d8", "#a0a0a0"),
}


def scale_of(dpi: float, environment: Mapping[str, str]) -> float:
    """How many pixels of this screen are one of a usual one, in quarters from 1 to 4.

    ``dpi``: what the desktop says of the screen, 0 where it says nothing. ``GDK_SCALE`` counts where it is larger.
    """
    with contextlib.suppress(ValueError):
        dpi = max(dpi, _USUAL_DPI * float(environment.get("GDK_SCALE", "")))
    return min(max(round(dpi / _USUAL_DPI * 4) / 4, 1.0), 4.0)


def desktop_dpi(root: tkinter.Tk) -> float:
    """Dots an inch as the desktop tells them, 0 where it tells none."""
    if sys.platform == "win32":
        return root.winfo_fpixels("1i")
    if sys.platform == "darwin":
        return 0.0  # the system scales by itself
    # X's resource Xft.dpi. Tk knows it, but says it only to a program of that name.
    named = tkinter.Tk(className="Xft")
    try:
        named.withdraw()
        return float(named.tk.call("option", "get", ".", "dpi", "Dpi") or 0)
    except ValueError:
        return 0.0
    finally:
        named.destroy()


def load(root: tkinter.Tk, scale: float) -> None:
    """Make sv-ttk's themes known to Tk; once, before ``wear``. sv-ttk itself knows a scale of 1 alone."""
    folder = Path(sv_ttk.__file__).parent
    if scale != 1.0:
        for shade in COLORS:
            _define(root, folder / "theme", shade, scale)
        # The rest of it, without the themes that are there now.
        text = (folder / "sv.tcl").read_text("utf-8")
        root.tk.eval(re.sub(r"^source .*$", "", text, flags=re.MULTILINE))
        root._sv_ttk_loaded = True  # type: ignore[attr-defined]  # how sv-ttk itself remembers it
    sv_ttk.get_theme(root)
    root.tk.eval("proc configure_colors {} {}")  # see _colour
    for name, size in _SIZES.items():
        font.nametofont(f"SunValley{name}Font", root).configure(size=-round(size * scale))


def _define(root: tkinter.Tk, folder: Path, shade: Shade, scale: float) -> None:
    """One of sv-ttk's themes with all its lengths and pictures multiplied."""

    def longer(found: re.Match[str]) -> str:
        return f"{found[1]} {re.sub(r'[0-9]+', lambda number: str(round(int(number[0]) * scale)), found[2])}"

    text = (folder / f"{shade}.tcl").read_text("utf-8")
    text = re.sub(r"^source .*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^  load_images \[.*$", "", text, flags=re.MULTILINE)
    text = _LENGTHS.sub(longer, text)
    root.tk.eval((folder / f"sprites_{shade}.tcl").read_text("utf-8"))
    sprites = root.tk.splitlist(root.tk.eval("set ::spriteinfo"))
    root.tk.eval(f"namespace eval ttk::theme::sv_{shade} {{ variable I }}")
    with Image.open(folder / f"spritesheet_{shade}.png") as opened:
        sheet = opened.convert("RGBA")
    for name, *numbers in zip(*[iter(sprites)] * 5, strict=True):
        x, y, width, height = (int(number) for number in numbers)
        piece = sheet.crop((x, y, x + width, y + height))
        piece = piece.resize((round(width * scale), round(height * scale)), Image.Resampling.BICUBIC)
        data = io.BytesIO()
        piece.save(data, "PNG")
        picture = root.tk.call("image", "create", "photo", "-format", "png", "-data", data.getvalue())
        root.tk.call("set", f"::ttk::theme::sv_{shade}::I({name})", picture)
    root.tk.eval(text)


def wear(root: tkinter.Tk, shade: Shade, spoken: Language, scale: float) -> None:
    """Put a theme on the whole window, with the fonts of a language."""
    installed = set(font.families(root))
    family = next((name for name in _FAMILIES.get(spoken, _LATIN) if name in installed), _usual(root))
    for name in _SIZES:
        weight: Literal["bold", "normal"] = "bold" if f"SunValley{name}Font" in _BOLD else "normal"
        font.nametofont(f"SunValley{name}Font", root).configure(family=family, weight=weight)
    for name in ("TkDefaultFont", "TkTextFont", "TkMenuFont", "TkHeadingFont"):
        font.nametofont(name, root).configure(family=family, size=-round(_SIZES["Body"] * scale))
    sv_ttk.set_theme(shade, root)
    colors = COLORS[shade]
    style = ttk.Style(root)
    _colour(root, style, colors)
    style.configure("Title.TLabel", font="SunValleySubtitleFont")
    style.configure("Strong.TLabel", font="SunValleyBodyStrongFont")
    style.configure("Large.TLabel", font="SunValleyBodyLargeFont")
    style.configure("Muted.TLabel", foreground=colors.muted)
    style.configure("Caption.TLabel", font="SunValleyCaptionFont", foreground=colors.muted)
    style.configure("Problem.TLabel", foreground=colors.problem)
    style.configure("Good.TLabel", foreground=colors.good)
    style.configure("Treeview", rowheight=round(34 * scale))
    style.map("Treeview", background=[("selected", colors.selected)], foreground=[("selected", "#ffffff")])
    root.configure(background=colors.ground)


def _usual(root: tkinter.Tk) -> str:
    """The family that the system has for programs; the fixed font is the one that is left as it is."""
    return str(root.tk.call("font", "actual", "{}", "-family"))


def _colour(root: tkinter.Tk, style: ttk.Style, colors: Colors) -> None:
    """What sv-ttk does whenever a style changes, done once: else labels lose the colours of their styles."""
    style.configure(
        ".", background=colors.ground, foreground=colors.text, troughcolor=colors.ground, focuscolor=colors.selected,
        selectbackground=colors.selected, selectforeground="#ffffff", fieldbackground=colors.ground, borderwidth=0,
        insertcolor=colors.text, insertwidth=1, relief="flat", font="SunValleyBodyFont",
    )  # fmt: skip
    style.map(".", foreground=[("disabled", colors.disabled)])
    root.tk_setPalette(
        background=colors.ground, foreground=colors.text, highlightColor=colors.selected, activeForeground="#ffffff",
        activeBackground=colors.selected, selectBackground=colors.selected, selectForeground="#ffffff",
    )  # fmt: skip


def reads(root: tkinter.Tk, spoken: Language) -> bool:
    """Whether a font with the language's signs is installed: Tk then takes it for what the usual one lacks."""
    if spoken not in _SIGNS:
        return True
    return any(name in _FAMILIES[spoken] for name in font.families(root)) or _usual(root) != str(
        root.tk.call("font", "actual", "TkFixedFont", "-family", "--", _SIGNS[spoken])
    )
