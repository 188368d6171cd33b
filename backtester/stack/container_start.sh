#!/bin/sh
# Starts a program of the image. The kernels that the image brings compiled are put where they may
# be written to: numba uses no read-only folder, and would compile for ten seconds at each start.
# On another kind of processor than the one that built the image it does so once, into the copy.
set -eu
mkdir -p "$NUMBA_CACHE_DIR"
cp -R /opt/numba/. "$NUMBA_CACHE_DIR/"
exec "$@"
