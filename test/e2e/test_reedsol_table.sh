#!/bin/sh
# test_reedsol_table.sh OUT - the committed tables of the field are what the generator makes of its
# polynomial.
set -u
cd "$(dirname "$0")/../.." || exit 1
command -v python3 >/dev/null || {
    echo "skipped: python3 is missing"
    exit 77
}
python3 contrib/reedsol_table.py | cmp - src/waltz/fec/qs_reedsol_table.c
