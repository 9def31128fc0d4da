#!/bin/sh
# Early stopping, the learning rate on a plateau, averaged weights, batches in parts and the health of layers: the same
# decisions, numbers and bits on every layout, across stop and resume, and the best weights in the model.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
need_mpirun
LOCKSTEP_ALL_THREADS=1
export LOCKSTEP_ALL_THREADS

recipe=$top/recipes/digits.yaml
# Fast steps without smoothing, so that the results soon get worse again.
common="--quiet --set training.batch=240 --set training.grain=16 --set training.checkpoint.every_steps=7
    --set loss=softmax_cross_entropy --set optimizer.lr=0.4 --set optimizer.weight_decay=1e-3
    --set model.hidden.units=128 --set model.hidden.initializer=glorot"
hash() { sha256sum "$1/model.safetensors" | cut -c1-64; }
# The records without what depends on the clock.
records() { sed 's/"samples_per_s":[^,]*,//; s/"wall_s":[^,}]*//' "$1/metrics.jsonl"; }
same() {
    [ "$(hash "$1")" = "$(hash "$2")" ] || die "$1 and $2 have other weights"
    records "$1" >"$work/records1"
    records "$2" >"$work/records2"
    diff "$work/records1" "$work/records2" || die "$1 and $2 have other records"
}
# field KEY RUN: of the last record
field() { tail -n 1 "$2/metrics.jsonl" | sed -n "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p"; }
# same_results RUN: the model gives the results of the last record.
same_results() {
    "$LOCKSTEP" eval "$1/model.safetensors" --json >"$work/eval" 2>/dev/null || { cat "$work/eval"; die "eval"; }
    for key in loss accuracy; do
        value=$(sed -n "s/.*\"$key\": *\([^,}]*\).*/\1/p" "$work/eval")
        [ -n "$value" ] && [ "$(printf %.9g "$value")" = "$(field test_$key "$1")" ] ||
            { cat "$work/eval"; tail -n 1 "$1/metrics.jsonl"; die "$key of the model is $value"; }
    done
}

cd "$work"
stop="--set training.epochs=60 --set optimizer.schedule=constant --set optimizer.lr=0.8
    --set training.early_stopping.patience=2 --set training.early_stopping.min_delta=0.002 --set training.on_plateau.patience=1 --set training.on_plateau.factor=0.5 --set training.average.type=ema
    --set training.average.decay=0.5"
"$LOCKSTEP" train "$recipe" --run stop $common $stop --threads 1 || die "the first run"
[ "$(field stopped_early stop)" = true ] || { tail -n 1 stop/metrics.jsonl; die "no early stop"; }
[ "$(field weights stop)" = best ] || die "the record does not say that the weights are the best"
epochs=$(field epochs stop)
best=$(field best_epoch stop)
[ "$best" -le $((epochs - 2)) ] && [ "$best" -gt 0 ] || die "best epoch $best of $epochs with patience 2"
expect_match "\"event\":\"epoch\",\"epoch\":$best,.*\"test_loss\":$(field test_loss stop)," stop/metrics.jsonl
[ "$(grep -c '"learning_rate":0.8,' stop/metrics.jsonl)" -lt "$epochs" ] || die "the rate never fell"
same_results stop
ok "stops after epoch $epochs and keeps the weights of epoch $best"

for layout in 1x3 2x2 3x1; do
    run_mpi "${layout%x*}" "$LOCKSTEP" train "$recipe" --run layout $common $stop --threads "${layout#*x}" || die "$layout"
    same stop layout
    rm -rf layout
done
ok "early stopping, plateau and average on 1x3, 2x2 and 3x1 are those of 1x1"

# In the middle of an epoch, and after the best epoch.
run_mpi 2 "$LOCKSTEP" train "$recipe" --run parts $common $stop --set training.steps=9 --threads 1 || die "part 1"
run_mpi 3 "$LOCKSTEP" train "$recipe" --run parts $common $stop --set training.steps=$((best * 6 + 8)) --threads 1 --resume ||
    die "part 2"
"$LOCKSTEP" train "$recipe" --run parts $common $stop --threads 2 --resume || die "part 3"
same stop parts
cmp stop/checkpoints/best.safetensors parts/checkpoints/best.safetensors || die "other best weights"
ok "three parts on three layouts are one run"

expect_status 0 "$LOCKSTEP" train "$recipe" --run stop ${common#--quiet} $stop --set training.epochs=90 --resume
expect_match 'finished already' "$output"
ok "a run that stopped early is finished, with more epochs as well"

# The best weights of a run that was not stopped do not disturb its continuation.
patient="--set training.early_stopping.patience=100 --set optimizer.schedule=constant"
"$LOCKSTEP" train "$recipe" --run whole $common $patient --set training.epochs=12 --threads 2 || die "12 epochs"
"$LOCKSTEP" train "$recipe" --run halves $common $patient --set training.epochs=6 --threads 1 || die "6 epochs"
[ "$(field weights halves)" = best ] || die "the best weights are not restored"
run_mpi 2 "$LOCKSTEP" train "$recipe" --run halves $common $patient --set training.epochs=12 --threads 1 --resume || die "6 more"
[ "$(hash whole)" = "$(hash halves)" ] || die "6 + 6 epochs differ from 12"
ok "6 + 6 epochs with the best weights restored are 12 epochs"

swa="--set training.epochs=8 --set training.average.type=swa --set training.average.start=4 --set training.average.every=2"
"$LOCKSTEP" train "$recipe" --run swa $common $swa --threads 1 || die "swa"
[ "$(field weights swa)" = average ] || die "the record does not say that the weights are averaged"
same_results swa
run_mpi 3 "$LOCKSTEP" train "$recipe" --run swa2 $common $swa --set training.steps=28 --threads 1 || die "swa, part 1"
run_mpi 2 "$LOCKSTEP" train "$recipe" --run swa2 $common $swa --threads 2 --resume || die "swa, part 2"
same swa swa2
"$LOCKSTEP" train "$recipe" --run plain $common --set training.epochs=8 --threads 1 || die "without average"
[ "$(hash plain)" != "$(hash swa)" ] || die "the average is not used"
ok "equal averages on 3x1 and 2x2 are those of 1x1, and are what the model holds"

# Batches in parts; the last of an epoch, of 238 rows, ends in a part that is not full.
parts="--set training.epochs=4 --set training.accumulate=3 --set training.clip_norm=0.5 --set training.health=1
    --set training.average.type=ema"
"$LOCKSTEP" train "$recipe" --run accumulate $common $parts --threads 1 || die "in parts"
[ "$(grep -c '"health":{"step":.*"dead":' accumulate/metrics.jsonl)" = 4 ] || die "not each record has the health of layers"
expect_match '"event":"done".*"diagnosis":\[' accumulate/metrics.jsonl
run_mpi 4 "$LOCKSTEP" train "$recipe" --run accumulate2 $common $parts --threads 1 || die "in parts, 4x1"
same accumulate accumulate2
# Stopped between the step that is measured and the end of the epoch.
run_mpi 3 "$LOCKSTEP" train "$recipe" --run accumulate3 $common $parts --set training.checkpoint.every_steps=17 --set training.steps=17 \
    --threads 1 || die "in parts, the first 17 steps"
run_mpi 2 "$LOCKSTEP" train "$recipe" --run accumulate3 $common $parts --threads 1 --resume || die "in parts, the rest"
same accumulate accumulate3
"$LOCKSTEP" train "$recipe" --run whole-batches $common --set training.epochs=4 --set training.clip_norm=0.5 --set training.average.type=ema \
    --set training.health=-1 --threads 1 || die "whole batches"
[ "$(hash whole-batches)" != "$(hash accumulate)" ] || die "other parts should round differently"
expect_no_match '"health"' whole-batches/metrics.jsonl
ok "batches in parts and the health of layers on 4x1, 3x1 and 2x1 are those of 1x1"
