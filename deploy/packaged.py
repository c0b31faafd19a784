"""The first lines of the packaged program (``moodcast.spec``), which is the Python of what it starts, too."""

import os
import runpy
import ssl
import sys
from pathlib import Path

_AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora and its kin
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, Alpine
)
"""Where systems keep whom they trust; the libraries inside look where the system that built them does."""


def _undo_what_the_loader_set() -> None:
    """PyInstaller's loader has set it for this program; a browser that this starts has libraries of its own."""
    before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    os.environ.pop("LD_LIBRARY_PATH", None)
    if before is not None:
        os.environ["LD_LIBRARY_PATH"] = before


def _trust_as_the_system_does() -> None:
    """Without, no relay's certificate could be checked on another system than the one that built this."""
    known = ssl.get_default_verify_paths()
    if sys.platform != "win32" and not known.cafile and not known.capath:
        for file in _AUTHORITIES:
            if Path(file).is_file():
                os.environ["SSL_CERT_FILE"] = file
                return


_undo_what_the_loader_set()
_trust_as_the_system_does()
if sys.argv[1:2] == ["-m"] and sys.argv[2:]:
    _, _, module, *sys.argv[1:] = sys.argv
    runpy.run_module(module, run_name="__main__", alter_sys=True)
else:
    from moodcast import main

    sys.exit(main())
