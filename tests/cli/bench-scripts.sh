#!/bin/sh
# The scripts of bench/: they help, they know the workloads of the command, they measure, and what is wrong they say in one line.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
python3=${PYTHON3:-python3}
# The path itself, as one of the cases runs it without PATH.
python3=$("$python3" -c 'import sys; print(sys.executable)' 2>/dev/null) || skip "there is no python3"
PYTHONDONTWRITEBYTECODE=1
PYTHONPATH=$top/bench
export PYTHONDONTWRITEBYTECODE PYTHONPATH
cd "$work"

for script in compare growth invariance-cost roofline whole-run; do
    "$python3" "$top/bench/$script" --help >out 2>err || { cat err; die "bench/$script --help fails"; }
    [ ! -s err ] || { cat err; die "bench/$script --help writes to standard error"; }
    expect_match "^usage: $script " out
    expect_match "^    bench/$script " out
    expect_no_match '{,' out
done
ok "every script has help"

for file in "$top"/bench/*.py "$top"/bench/compare "$top"/bench/growth "$top"/bench/invariance-cost "$top"/bench/roofline \
    "$top"/bench/whole-run; do
    awk -v file="$file" 'length > 120 { print file ":" FNR ": " length " columns"; wide = 1 } END { exit wide }' "$file" ||
        die "lines of more than 120 columns"
done
ok "the scripts keep to 120 columns"

"$LOCKSTEP" bench --list | sed 's/ .*//' | grep -v '^dense-I-U-' >listed
"$python3" - >known <<'END' || die "a peer or the ranks run what is no workload"
import workloads
for name in workloads.WORKLOADS:
    print(name)
for names in (workloads.PYTORCH, workloads.SKLEARN, workloads.FANN, workloads.RANKS):
    assert names and set(names) <= set(workloads.WORKLOADS), names
END
diff listed known || die "bench/workloads.py does not have the workloads of lockstep bench --list"
ok "bench/workloads.py has the workloads of the command"

"$python3" - "$LOCKSTEP" <<'END' || die "no time of a step"
import sys
from own_runner import us_per_step
found = us_per_step(sys.argv[1], "xor-b4-sgd", 1)
assert 0 < found < 1e6, found
END
ok "own_runner.py measures"

"$python3" - "$top/bench/growth" <<'END' || die "bench/growth: what a layer adds is wrong"
import runpy
import sys
growth = runpy.run_path(sys.argv[1])
least = {1: 10, 2: 14, 8: 32}
assert [growth["added"](size, least) for size in least] == [None, 4, 3]
assert growth["network"](2, 512, 32) == "dense-256-512-512-10-b32"
END
ok "growth tells what each layer adds"

# refused PATTERN SCRIPT ARGUMENTS...: one line on standard error, and no table that was begun for nothing.
refused() {
    pattern=$1
    script=$2
    shift 2
    status=0
    "$python3" "$top/bench/$script" "$@" >out 2>err || status=$?
    [ "$status" != 0 ] || { cat out; die "bench/$script $*: status 0"; }
    expect_no_match Traceback err
    expect_lines 1 err
    expect_match "$pattern" err
    [ ! -s out ] || [ "$script" = invariance-cost ] || { cat out; die "bench/$script $* writes to standard output"; }
}
for script in compare growth invariance-cost roofline whole-run; do
    refused "no command '/nowhere/lockstep'" $script --lockstep /nowhere/lockstep
    refused "no command '$top'" $script --lockstep "$top"
    refused "'0' is no whole number" $script --lockstep "$LOCKSTEP" --rounds 0
done
refused "'xor-b4' is none of xor-b4-sgd, digits" compare --lockstep "$LOCKSTEP" xor-b4
refused "--ranks 2 is for --peer pytorch, not for fann" compare --lockstep "$LOCKSTEP" --peer fann --ranks 2
refused "--ranks 2 is for --peer pytorch, not for sklearn" compare --lockstep "$LOCKSTEP" --peer sklearn --ranks 2
refused "--ranks 2 is for --peer pytorch, not for all" compare --lockstep "$LOCKSTEP" --peer all --ranks 2
refused "3 ranks cannot share the batch of mnist-mlp-b32-sgdm" compare --lockstep "$LOCKSTEP" --ranks 3
refused "FANN does not run digits-b32-sgdm, only xor-b4-sgd" compare --lockstep "$LOCKSTEP" --peer fann digits-b32-sgdm
refused "'depth' is none of layers, width" growth --lockstep "$LOCKSTEP" depth
refused "'cifar' is none of xor, mnist" whole-run --lockstep "$LOCKSTEP" cifar
refused "unknown workload 'xor-b4'; did you mean 'xor-b4-sgd'" invariance-cost --lockstep "$LOCKSTEP" xor-b4
refused "printed no microseconds" invariance-cost --lockstep echo
ok "wrong arguments are told in one line"

# Without PATH there is no compiler for FANN.
(
    PATH=/nowhere
    export PATH
    "$python3" "$top/bench/compare" --lockstep "$LOCKSTEP" --peer fann
) >out 2>err && die "bench/compare --peer fann without a compiler: status 0"
expect_lines 1 err
expect_match '^FANN is not installed (scripts/setup --peers does it)' err
[ ! -s out ] || { cat out; die "a table without FANN"; }
ok "what is not installed is told in one line"

# A step of each small network in PyTorch, alone and as one of two ranks.
if /usr/bin/python3 -c 'import torch' 2>/dev/null; then
    GLOO_SOCKET_IFNAME=lo /usr/bin/python3 - "$work/store" <<'END' || die "bench/pytorch_peer.py makes no step"
import sys
import torch
import pytorch_peer
torch.distributed.init_process_group("gloo", init_method=f"file://{sys.argv[1]}", rank=0, world_size=1)
for name in ("xor-b4-sgd", "digits-b32-sgdm", "mnist-mlp-b32-sgdm", "mnist-mlp-b128-adam", "lenet-b64-sgdm"):
    for ranks in (1, 2):
        pytorch_peer.make_step(name, ranks)()
END
    ok "the networks of pytorch_peer.py make steps"
fi
