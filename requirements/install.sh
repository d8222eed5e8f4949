#!/bin/sh
# Installs the hash-pinned files $2… into the environment whose programs are in $1.
# uv unpacks in a third of pip's time; pip, which knows this machine's own package settings,
# does the same where uv cannot.
set -eu
bin=$1
shift
here=$(dirname "$0")
"$bin/python" -m pip install --quiet --no-deps --require-hashes -r "$here/bootstrap.txt"
for file in "$@"; do
    if ! "$bin/uv" pip install --quiet --python "$bin/python" --no-deps --require-hashes -r "$file"; then
        echo "uv could not install $file; trying pip …" >&2
        "$bin/python" -m pip install --quiet --no-deps --require-hashes -r "$file"
    fi
done
