#!/bin/bash
# soak.sh OUT - the long checks: CASES=1000000 random and spoilt signatures, each judged by every kernel and by
# libsodium; KILLS=100 kills of tiles and supervisors of the chain; SOAK_SECONDS=600 of traffic through net tiles
# that are killed, with every frame looked for; GOSSIP_SECONDS=120 of a crowd with an enemy in it.
set -u
cd "$(dirname "$0")/.." || exit 1
failed=0
QS_ED25519_CASES=${CASES:-1000000} "$1/test/waltz/test_ed25519" --filter 'ed25519/random*' || failed=1
KILLS=${KILLS:-100} test/e2e/test_chain_kill.sh "$1" || failed=1
test/e2e/soak_net.sh "$1" "${SOAK_SECONDS:-600}" || failed=1
test/e2e/soak_gossip.sh "$1" "${GOSSIP_SECONDS:-120}" || failed=1
exit $failed
