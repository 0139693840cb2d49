#!/bin/bash
# test_frames.sh OUT - 10 s of what soak_net.sh does for 10 min in `make soak`.
exec "$(dirname "$0")/soak_net.sh" "$1" 10
