#!/bin/sh
# Every optimiser of the registry (by way of docs/recipe.md, which is written from it) gives the same bits on one rank
# and, stopped in the middle of an epoch and resumed on another layout, on several ranks and threads. So does every
# schedule, which must not depend on where a run began.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
need_mpirun
LOCKSTEP_ALL_THREADS=1
export LOCKSTEP_ALL_THREADS

digits=$top/recipes/digits.yaml
common="--quiet --set training.epochs=2 --set training.batch=96 --set training.grain=8 --set training.clip_value=0.01"

# types KIND: the names under the heading of a kind.
types() {
    awk -v heading="## $1 types" '/^## /{inside = $0 == heading} inside && /^### [^.]*$/{gsub(/[#` ]/, ""); print}' \
        "$top/docs/recipe.md"
}

# layout RANKS THREADS ARGUMENTS...: training with that many of both.
layout() {
    ranks=$1
    threads=$2
    shift 2
    if [ "$ranks" = 1 ]; then "$LOCKSTEP" train "$@" --threads "$threads"
    else run_mpi "$ranks" "$LOCKSTEP" train "$@" --threads "$threads"; fi
}

# same NAME SETTING RANKS: one run and one in two parts, the second on that many ranks.
same() {
    layout 1 1 "$digits" --run "$work/$1-one" $common --set "$2" || die "$1: one run"
    layout 1 3 "$digits" --run "$work/$1-two" $common --set "$2" --set training.steps=20 || die "$1: the first part"
    layout "$3" 2 "$digits" --run "$work/$1-two" $common --set "$2" --resume || die "$1: the second part"
    cmp "$work/$1-one/model.safetensors" "$work/$1-two/model.safetensors" || die "$1: other bits"
    ok "$1"
}

optimizers=$(types Optimizer)
[ "$(printf '%s\n' "$optimizers" | wc -l)" -ge 8 ] || die "docs/recipe.md lists too few optimizers: $optimizers"
for name in $optimizers; do
    [ "$name" != lbfgs ] || continue # works on whole batches: below
    same "$name" "optimizer={type: $name, weight_decay: 0.01, l1: 1e-4, max_norm: 2, groups: [{match: '*.bias', lr_factor: 0.5}]}" 3
done

batches=$common
common="--quiet --set training.epochs=30 --set training.batch=0 --set training.grain=8"
same lbfgs "optimizer={type: lbfgs, history: 5, weight_decay: 0.01, groups: [{match: '*.bias', lr_factor: 0}]}" 3
common="$common --set training.accumulate=3"
same lbfgs-in-parts "optimizer={type: lbfgs}" 2
common=$batches

schedules=$(types Schedule)
[ "$(printf '%s\n' "$schedules" | wc -l)" -ge 9 ] || die "docs/recipe.md lists too few schedules: $schedules"
for name in $schedules; do
    case $name in
    constant) options= ;;
    step) options=", every: 11, unit: steps" ;;
    multi_step) options=", at: [5, 25], unit: steps" ;;
    exponential) options=", factor: 0.9, unit: steps" ;;
    *) options= ;;
    esac
    same "schedule-$name" "optimizer={type: sgd, lr: 0.1, momentum: 0.9, schedule: {type: $name$options}, warmup: {length: 3, unit: steps}}" 1
done

# A schedule laid out for the length of the training is another one if the training gets longer.
common="--quiet --set training.batch=96"
"$LOCKSTEP" train "$digits" --run "$work/longer" $common --set training.epochs=2 --set optimizer.schedule=cosine || die "two epochs"
expect_status 2 "$LOCKSTEP" train "$digits" --run "$work/longer" $common --set training.epochs=4 --set optimizer.schedule=cosine --resume
expect_match "optimizer.schedule.length differs" "$output"
expect_match "follows training.epochs" "$output"
"$LOCKSTEP" train "$digits" --run "$work/longer" $common --set training.epochs=3 --set 'optimizer.schedule={type: cosine, length: 2}' \
    --resume || die "the same length, given"
ok "more epochs are refused where a schedule depends on them, by the key that does"
