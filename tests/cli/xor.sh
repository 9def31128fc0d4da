#!/bin/sh
# 10,000 epochs of one step are quick and quiet, and the tutorial's network is learned.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
cd "$work"

begin=$(date +%s)
"$LOCKSTEP" train "$top/recipes/xor.yaml" --run xor >out 2>err || { cat err; die "train: status $?"; }
seconds=$(($(date +%s) - begin))
[ "$seconds" -le 10 ] || die "$seconds s"
[ ! -s out ] || die "train writes to standard output"
[ "$(wc -l <err)" -le 30 ] || { cat err; die "$(wc -l <err) lines on standard error"; }
[ "$(wc -l <xor/metrics.jsonl)" -le 1100 ] || die "$(wc -l <xor/metrics.jsonl) records"
ok "10,000 steps: $seconds s, $(wc -l <err) lines"

expect_match '"steps":10000,' xor/metrics.jsonl
tail -n 1 xor/metrics.jsonl >last
expect_match '"event":"done".*"steps":10000,.*"accuracy":1,.*"test_loss":null' last
"$LOCKSTEP" eval xor >text
expect_match '^accuracy  *100.00 %$' text
expect_match '^rows  *4$' text
ok "all four rows are right"

for threads in 1 2 3; do
    "$LOCKSTEP" train "$top/recipes/xor.yaml" --run "t$threads" --threads $threads --quiet --set training.epochs=500
    cmp t1/model.safetensors "t$threads/model.safetensors" || die "$threads threads give other weights"
done
ok "the same weights on 1, 2 and 3 threads"
