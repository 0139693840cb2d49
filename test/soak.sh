#!/bin/bash
# soak.sh OUT - the long checks: KILLS=100 kills of tiles and supervisors of the chain; SOAK_SECONDS=600 of
# traffic through net tiles that are killed, with every frame looked for.
set -u
cd "$(dirname "$0")/.." || exit 1
KILLS=${KILLS:-100} test/e2e/test_chain_kill.sh "$1" || exit
test/e2e/soak_net.sh "$1" "${SOAK_SECONDS:-600}"
