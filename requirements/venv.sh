#!/bin/sh
# Makes the virtual environment $1 with the first Python that is new enough.
set -eu
venv=$1
for python in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        found=$python
        break
    fi
done
if [ -z "${found:-}" ]; then
    echo "essay-rag needs Python 3.11 or newer, and none was found. Install it, or name it: PYTHON=/path/to/python3 make …" >&2
    exit 1
fi
echo "Making $venv with $("$found" --version) …"
if ! "$found" -c 'import ensurepip' 2>/dev/null; then
    # Debian and Ubuntu keep this part of Python in a package of its own.
    version=$("$found" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "This Python comes without venv; installing $version …"
        { apt-get update -q && apt-get install -y -q "$version"; } >/dev/null
    else
        echo "This Python comes without venv. Install it with: sudo apt-get install $version" >&2
        exit 1
    fi
fi
"$found" -m venv "$venv"
