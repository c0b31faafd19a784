"""A stand-in for cloudflared and tailscale: prints what it was told to, and passes requests on as the real ones do.

    python tests/tunnel_program.py cloudflared tunnel --url http://127.0.0.1:PORT
    python tests/tunnel_program.py tailscale funnel http://127.0.0.1:PORT

``STAND_IN`` names a folder. ``script.json`` in it has ``lines`` to print, and perhaps

* ``exit``, the code to end with at once instead of passing anything on;
* ``header``: ``set`` as the real one does, ``twice`` to leave the client's own before it, ``none`` to leave all out;
* ``certificate``, a file with which its public side speaks TLS.

A line of ``starts.jsonl`` tells of each start: its process, its arguments, the port of its public side, and the one
that it leads to. A client may say in ``Test-Client`` which address it has.
"""

import asyncio
import contextlib
import json
import os
import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit

HEADERS = {"cloudflared": "Cf-Connecting-Ip", "tailscale": "X-Forwarded-For"}


def rewritten(head: bytes, name: str, how: str) -> bytes:
    """A request's head as the program sends it on."""
    first, *fields = head.decode("latin-1").split("\r\n")
    kept, address = [], "203.0.113.1"
    for field in fields:
        key, _, value = field.partition(":")
        if key.lower() == "test-client":
            address = value.strip()
        elif key.lower() != HEADERS[name].lower() or how == "twice":
            kept.append(field)
    if how != "none":
        kept.append(f"{HEADERS[name]}: {address}")
    if name == "cloudflared":  # Cloudflare's servers append to what the client sent
        earlier = [field for field in kept if field.lower().startswith("x-forwarded-for:")]
        kept = [field for field in kept if field not in earlier]
        before = [field.partition(":")[2].strip() for field in earlier]
        kept.append(f"X-Forwarded-For: {', '.join([*before, address])}")
    else:
        kept.append("Tailscale-Funnel-Request: ?1")
    if not any(field.lower().startswith("upgrade:") for field in kept):
        kept = [field for field in kept if not field.lower().startswith("connection:")] + ["Connection: close"]
    return "\r\n".join([first, *kept]).encode("latin-1") + b"\r\n\r\n"


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def serve(name: str, how: str, port: int, started: Path, certificate: str) -> None:
    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n"))[:-4]
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()
            return
        inner_writer.write(rewritten(head, name, how))
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if certificate else None
    if secure:
        secure.load_cert_chain(certificate)
    server = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=secure)
    told = {"pid": os.getpid(), "arguments": sys.argv[2:], "port": server.sockets[0].getsockname()[1], "leads_to": port}
    with started.open("a") as file:
        file.write(json.dumps(told) + "\n")
    await server.serve_forever()


def main() -> None:
    folder, name = Path(os.environ["STAND_IN"]), sys.argv[1]
    script = json.loads((folder / "script.json").read_text())
    output = sys.stderr if name == "cloudflared" else sys.stdout
    for line in script.get("lines", ()):
        output.write(line + "\n")
    output.flush()
    if "exit" in script:
        sys.exit(script["exit"])
    port = next(urlsplit(part).port for part in sys.argv if part.startswith("http://"))
    certificate = script.get("certificate", "")
    asyncio.run(serve(name, script.get("header", "set"), port or 0, folder / "starts.jsonl", certificate))


if __name__ == "__main__":
    main()
