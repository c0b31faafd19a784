"""Every Content-Security-Policy of the relay: what the browser lets a page do, whatever got into it."""

import re
from collections.abc import Mapping
from ipaddress import IPv6Address
from urllib.parse import urlsplit

_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.?")
"""A host that a policy can name; it can't name one with an underscore, or an IPv6 address (CSP 3, section 2.3.1)."""
_ODD_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?")

_NOTHING = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "object-src": "'none'",
}
_PAGE = _NOTHING | {
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "font-src": "'self'",
    "connect-src": "'self'",  # of a page from http: or https: it is ws: or wss: of the same host as well, in OBS 28 too
}
_READING = {
    "script-src": "'self' 'wasm-unsafe-eval'",  # MediaPipe and ONNX Runtime are WebAssembly
    "worker-src": "'self'",
}
"""Of what reads faces in the browser: nothing but the relay's own files runs, and nothing goes to anybody else."""
_PAGES: Mapping[str, Mapping[str, str]] = {
    # OBS puts a source's Custom CSS into the page by a script that appends a <style> element. Whoever shows the overlay
    # in a frame is a page of the relay: elsewhere's could lay it over what they want clicked.
    "overlay.html": _PAGE
    | {"style-src": "'self' 'unsafe-inline'", "font-src": "'self' data:", "frame-ancestors": "'self'"},
    "settings.html": _PAGE | {"frame-src": "'self'"},  # a preview of the overlay
    # The browser itself keeps this page from sending a picture anywhere but to the relay it came from.
    "try.html": _PAGE | _READING | {"img-src": "'self'"},
    "join.html": _PAGE | _READING,
}
_WORKERS: Mapping[str, Mapping[str, str]] = {
    # A worker has the policy of its own script, not that of the page that starts it.
    name: _NOTHING | _READING | {"connect-src": "'self'"}
    for name in ("reading/worker.js", "reading/stills-worker.js")
}


def of_page(name: str, relay: str = "", assets: str = "") -> str:
    """The policy of a page, by its file's name. ``relay``: whatever the address names as another one to talk to;
    ``assets``: where those that read faces load large files from, if that is elsewhere (``--assets-url``)."""
    rules = _loading(_PAGES.get(name, _PAGE), assets)
    if name == "overlay.html" and (source := relay_source(relay)):
        rules["connect-src"] += f" {source}"
    return _written(rules)


def of_file(name: str, assets: str = "") -> str:
    """The policy of a file under /static/ that is no page; ``assets`` as for ``of_page``."""
    return _written(_loading(_WORKERS[name], assets)) if name in _WORKERS else OF_ALL_ELSE


def _loading(rules: Mapping[str, str], assets: str) -> dict[str, str]:
    """The rules; of what reads faces, with the host that has the files for it."""
    if not assets or not rules.keys() >= _READING.keys():
        return dict(rules)
    parts = urlsplit(assets)
    return dict(rules) | {"connect-src": f"{rules['connect-src']} {parts.scheme}://{parts.netloc}"}


def relay_source(address: str) -> str:
    """Whom a page that is told of a relay by ``?relay=`` may open WebSockets to; nothing if it is no address of one.

    Where a policy can't name the host, all hosts by that scheme: the page still goes to the one that it is told of.
    """
    try:
        parts = urlsplit(address)
        scheme, host, port = _SCHEMES.get(parts.scheme, ""), (parts.hostname or ""), parts.port
        host = host if ":" in host else host.encode("idna").decode("ascii").lower()
    except ValueError:  # UnicodeError among them
        return ""
    if not scheme or not host:
        return ""
    if _HOST.fullmatch(host):
        return f"{scheme}://{host}" + (f":{port}" if port is not None else "")
    return f"{scheme}:" if _ODD_HOST.fullmatch(host) or _is_ipv6(host) else ""


def _is_ipv6(host: str) -> bool:
    try:
        IPv6Address(host)
    except ValueError:
        return False
    return True


def _written(rules: Mapping[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in rules.items())


OF_ALL_ELSE = _written(_NOTHING)
"""Of what is no page: a picture or an answer that somebody opens by itself runs nothing and is shown in no frame."""
