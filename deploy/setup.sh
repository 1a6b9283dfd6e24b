#!/bin/sh
# Makes the environment: a suitable Python, a venv, what requirements.lock pins, and Muster itself.
# Called by make with VENV and, where somebody chose one, PYTHON.
set -eu

suitable='import sys; sys.exit(0 if sys.version_info >= (3, 11) else 3)'
complete='import venv, ensurepip'
found='' bare='' old=''

for python in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
    # A name on the PATH may be a shim with nothing behind it, so that only running it tells.
    "$python" -c '' >/dev/null 2>&1 || continue
    if ! "$python" -c "$suitable" >/dev/null 2>&1; then old="$old $python"; continue; fi
    if ! "$python" -c "$complete" >/dev/null 2>&1; then bare="$bare $python"; continue; fi
    found=$python
    break
done

if [ -z "$found" ]; then
    exec >&2
    if [ -n "$bare" ]; then
        version=$(${bare##* } -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        echo "Found$bare, but without the venv and ensurepip modules."
        echo "On Debian and Ubuntu: apt-get install python$version-venv. Then make setup again."
    elif [ -n "$old" ]; then
        echo "Muster needs Python 3.11 or newer; found only$old, which is older."
        echo "Install one, or name it: make setup PYTHON=/path/to/python3.11"
    elif [ -n "${PYTHON:-}" ]; then
        echo "PYTHON=$PYTHON cannot be run."
    else
        echo "Muster needs Python 3.11 or newer and found no Python."
        echo "Install one (Debian and Ubuntu: apt-get install python3 python3-venv), or name it: make setup PYTHON=/path/to/python3.11"
    fi
    exit 1
fi

if ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1 || ! "$VENV/bin/python" -c "$suitable" 2>/dev/null; then
    echo "Making $VENV with $("$found" --version)." >&2
    "$found" -m venv --clear "$VENV"
fi
echo "Installing what requirements.lock pins; the first time takes a minute or two." >&2
pip="$VENV/bin/python -m pip -qq --disable-pip-version-check --no-input"
$pip install --require-hashes -r requirements.lock
$pip install --no-deps --no-build-isolation -e .
