#!/bin/bash
# soak.sh OUT - the long checks: KILLS=100 kills of tiles and supervisors of the chain.
set -u
cd "$(dirname "$0")/.." || exit 1
KILLS=${KILLS:-100} test/e2e/test_chain_kill.sh "$1"
