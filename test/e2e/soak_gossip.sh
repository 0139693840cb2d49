#!/bin/bash
# soak_gossip.sh OUT SECONDS - a crowd of thousands and an enemy among it that sends what the machine can: nobody is
# forgotten, no address is sent more than it sent, memory stays as it is, and a new ContactInfo takes less than twice
# as long as without; with signatures checked by gossip itself, and by two tiles of their own.
. "$(dirname "$0")/lib.sh"
seconds=${2:-120}
for tiles in 0 2; do
    "$bin" dev --crowd 2000 --hostile 50000 --seconds "$((seconds / 2))" --set gossip.verify_tiles=$tiles --json \
        >"$tmp/flood" 2>"$tmp/flood.log" || fail "flood: $(cat "$tmp/flood" "$tmp/flood.log")"
    say "gossip.verify_tiles=$tiles: $(value "$tmp/flood" "j['gossip']['hostile']")"
    [ "$(value "$tmp/flood" "j['gossip']['hostile']['spread_hostile_ns'] < 2 * j['gossip']['hostile']['spread_quiet_ns']")" = true ] ||
        fail "news take twice as long: $(cat "$tmp/flood")"
done
say "an enemy in a crowd does no harm"
