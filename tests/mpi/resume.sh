#!/bin/sh
# Stop and resume, in the middle of an epoch and on another layout, gives the bits of an uninterrupted run.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
need_mpirun

recipe=$top/recipes/digits.yaml
common="--set training.epochs=4 --set training.batch=96 --set training.grain=8 --set training.checkpoint.every_steps=7 --quiet"
hash() { sha256sum "$1/model.safetensors" | cut -c1-64; }

"$LOCKSTEP" train "$recipe" --run "$work/whole" $common --threads 1 || die "the whole run"
reference=$(hash "$work/whole")

# 23 steps: in the middle of the second epoch.
run_mpi 2 "$LOCKSTEP" train "$recipe" --run "$work/parts" $common --set training.steps=23 --threads 1 || die "the first part"
run_mpi 3 "$LOCKSTEP" train "$recipe" --run "$work/parts" $common --set training.steps=41 --threads 2 --resume || die "the second part"
"$LOCKSTEP" train "$recipe" --run "$work/parts" $common --threads 2 --resume || die "the third part"
[ "$(hash "$work/parts")" = "$reference" ] || die "three parts on three layouts give other bits than one run"
ok "three parts on 2x1, 3x2 and 1x2 give the bits of one run"

tail -n 1 "$work/whole/metrics.jsonl" | sed 's/"wall_s".*//; s/"samples_per_s":[^,]*,//' >"$work/a"
tail -n 1 "$work/parts/metrics.jsonl" | sed 's/"wall_s".*//; s/"samples_per_s":[^,]*,//' >"$work/b"
cmp "$work/a" "$work/b" || die "the last records differ"
[ "$(wc -l <"$work/whole/metrics.jsonl")" = "$(wc -l <"$work/parts/metrics.jsonl")" ] || die "records are missing or double"
ok "the metrics of both are the same"

# Dropout, whose masks are counted by step and position, and a learned slope.
with_dropout='--set model=[{"type":"dense","units":24,"activation":"prelu"},{"type":"dropout","rate":0.3},{"type":"dense","units":10}]'
run_mpi 3 "$LOCKSTEP" train "$recipe" --run "$work/drop" $common $with_dropout --threads 1 || die "a run with dropout"
"$LOCKSTEP" train "$recipe" --run "$work/drop2" $common $with_dropout --set training.steps=23 --threads 2 || die "the first part with dropout"
run_mpi 2 "$LOCKSTEP" train "$recipe" --run "$work/drop2" $common $with_dropout --resume --threads 1 || die "the second part with dropout"
[ "$(hash "$work/drop")" = "$(hash "$work/drop2")" ] || die "two parts with dropout give other bits than one run"
ok "dropout goes on where it stopped"

# Killed without warning: the next run takes up the newest checkpoint.
run_mpi 2 "$LOCKSTEP" train "$recipe" --run "$work/killed" $common --set training.steps=23 --threads 1 || die "the first part"
rm "$work/killed/model.safetensors"
newest=$(ls "$work/killed/checkpoints" | grep step | sort | tail -n 1)
# A stale checksum: one byte of the newest checkpoint is changed; the one before it is used, with a remark.
size=$(wc -c <"$work/killed/checkpoints/$newest")
printf 'X' | dd of="$work/killed/checkpoints/$newest" bs=1 seek=$((size - 5)) conv=notrunc 2>/dev/null
"$LOCKSTEP" train "$recipe" --run "$work/killed" ${common% --quiet} --threads 1 --resume >"$work/out" 2>&1 || { cat "$work/out"; die "resume"; }
grep -q "checksum" "$work/out" || { cat "$work/out"; die "nothing was said about the damaged checkpoint"; }
[ "$(hash "$work/killed")" = "$reference" ] || die "other bits after a damaged checkpoint"
ok "a damaged checkpoint is passed over and the one before gives the same bits"

# What may not change is named.
expect_status 2 "$LOCKSTEP" train "$recipe" --run "$work/parts" $common --set optimizer.lr=0.123 --resume
expect_match "optimizer.lr" "$output"
ok "another learning rate is refused by its key"

# More epochs continue a finished run.
"$LOCKSTEP" train "$recipe" --run "$work/more" $common --set training.epochs=2 || die "two epochs"
run_mpi 2 "$LOCKSTEP" train "$recipe" --run "$work/more" $common --resume --threads 1 || die "two more"
[ "$(hash "$work/more")" = "$reference" ] || die "2 + 2 epochs differ from 4"
ok "2 + 2 epochs are 4 epochs"

# A stop on request leaves a checkpoint and exit status 75.
long="--set training.epochs=100000 --set training.batch=96 --set training.grain=8 --set training.report=1000 --quiet"
"$LOCKSTEP" train "$recipe" --run "$work/stop" $long --threads 1 &
pid=$!
tries=0
until [ -e "$work/stop/metrics.jsonl" ] || [ $tries -gt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
sleep 0.3
kill -TERM $pid
status=0
wait $pid || status=$?
[ "$status" = 75 ] || die "exit status $status after SIGTERM, expected 75"
ls "$work/stop/checkpoints" | grep -q step- || die "no checkpoint after SIGTERM"
ok "SIGTERM leaves a checkpoint and exit status 75"
