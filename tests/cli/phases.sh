#!/bin/sh
# "lockstep bench --phases": every phase of a step, and all of its time.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
python3=${PYTHON3:-python3}
cd "$work"

# The first layer is large enough for two threads to share its units.
workload=dense-784-256-10-b64
LOCKSTEP_ALL_THREADS=1 "$LOCKSTEP" bench $workload --threads 2 --phases --json >out 2>err ||
    { cat err; die "bench --phases: status $?"; }
"$python3" - "$workload" <<'END' || { cat out; die "phases of two threads"; }
import json, sys
result = json.loads(open("out").read())
phases = result["us_phase"]
assert result["name"] == sys.argv[1]
assert list(phases) == ["gather", "units", "passes", "gradients", "update", "exchange", "waiting", "rest"]
for name in phases:
    assert phases[name] > 0, name
# The mean of a step is at least the best repetition.
assert sum(phases.values()) >= result["us_per_step"] * 0.999, "some time is missing"
weights = 785 * 256 + 257 * 10
assert result["flops"] == 2 * 64 * (2 * 784 * 256 + 3 * 256 * 10)
assert result["bytes"] == 4 * (8 * weights + 64 * (784 + 2 * (784 + 256 + 256 + 10)))
END
ok "phases of two threads add up to the step"

"$LOCKSTEP" bench xor-b4-sgd --threads 1 --phases >out 2>err || { cat err; die "bench --phases: status $?"; }
expect_match '^name  *mean us  *gather  *units  *passes  *gradients  *update  *exchange  *waiting  *rest$' out
grep -Eq '^xor-b4-sgd( +[0-9]+\.[0-9][0-9]){9}$' out || { cat out; die "no row of nine numbers"; }
ok "one row of phases"

"$LOCKSTEP" bench xor-b4-sgd --threads 1 --json >out 2>err || { cat err; die "bench: status $?"; }
if grep -q us_phase out; then die "phases that nobody asked for"; fi
ok "no clock is read unless asked for"
