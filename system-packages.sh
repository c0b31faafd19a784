#!/bin/sh
# Debian packages that pip can't bring, installed with apt where this user may; elsewhere says what goes without them.
# Usage: system-packages.sh python|demo|test
set -u

# package|what is lost without it
case "${1:-}" in
python)
    # Debian keeps the module that makes virtual environments in a package of its own.
    "${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null && exit 0
    wanted='python3-venv|the virtual environment can not be made' ;;
demo)
    wanted='libegl1|the face landmarker (the agent) does not start
libgles2|the face landmarker (the agent) does not start'
    case "${ARGS:-}" in *--screenshot*) wanted="$wanted
chromium|--screenshot does not work
libatomic1|--screenshot does not work" ;; esac ;;
test)
    wanted='libegl1|tests of the agent are skipped
libgles2|tests of the agent are skipped
chromium|tests of the pages in a browser are skipped
libatomic1|tests of the pages in a browser are skipped
obs-studio|tests in OBS are skipped
obs-plugins|tests in OBS are skipped
xvfb|tests in OBS and of the window are skipped
python3-tk|tests of the window are skipped, where Python is that of the system
openbox|tests of the window, and of windows in OBS, are skipped
xdotool|tests of the window, and of windows in OBS, are skipped
ffmpeg|tests of recordings are skipped
libobs-dev|the test of the OBS push path is skipped
gcc|the test of the OBS push path is skipped
libc6-dev|the test of the OBS push path is skipped
pkg-config|the test of the OBS push path is skipped
redis-server|tests with Redis are skipped
postgresql|tests with PostgreSQL are skipped
caddy|tests of the proxy are skipped
prometheus|tests of the alert rules are skipped
sqlite3|a test of backups is skipped
fonts-liberation|text on the pages looks different
fonts-dejavu-core|tests of Hebrew and Arabic are skipped
fonts-droid-fallback|tests of Chinese and Japanese are skipped
binutils|tests of the packaged program are skipped
libportaudio2|tests of the microphone are skipped
libasound2-plugins|tests of the microphone are skipped
pulseaudio|tests of the microphone are skipped
espeak-ng|tests of the synthetic set that speaks are skipped
strace|tests of what the agent sends and writes are skipped
tcpdump|the proof of privacy in packets is skipped
iproute2|the proof of privacy in packets is skipped' ;;
*)
    echo "expected python, demo or test, got '${1:-}'" >&2
    exit 2 ;;
esac

missing=''
losses=''
while IFS='|' read -r package loss; do
    if command -v dpkg-query >/dev/null && dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed'
    then continue; fi
    missing="$missing $package"
    losses="$losses  $package: $loss
"
done <<END
$wanted
END
[ -n "$missing" ] || exit 0

as_root=''
[ "$(id -u)" = 0 ] || as_root='sudo -n'
if command -v apt-get >/dev/null && $as_root true 2>/dev/null; then
    echo "Installing with apt:$missing ..."
    log=$(mktemp)
    # shellcheck disable=SC2086  # $missing is a list
    if { $as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq \
        --no-install-recommends $missing; } >"$log" 2>&1 </dev/null
    then rm -f "$log"; exit 0; fi
    tail -n 5 "$log" >&2
    rm -f "$log"
    echo "apt could not install them all." >&2
fi
printf 'Not installed; install them for the whole of it:\n  apt-get install%s\nWithout them:\n%s' "$missing" "$losses" >&2
# Nothing works without a virtual environment; everything else degrades.
[ "$1" != python ]
