#!/bin/sh
# test_ed25519_table.sh OUT - the committed multiples of the base point are what the generator
# makes of the curve's definition.
set -u
cd "$(dirname "$0")/../.." || exit 1
command -v python3 >/dev/null || {
    echo "skipped: python3 is missing"
    exit 77
}
python3 contrib/ed25519_table.py | cmp - src/waltz/crypto/qs_ed25519_table.c
