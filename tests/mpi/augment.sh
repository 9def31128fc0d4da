#!/bin/sh
# Rows that are changed at random while they are trained on: the same bits on all layouts, after a resume within an epoch and
# in parts of a batch; other rows in each epoch; none of it where nothing is trained.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
need_mpirun
cd "$work"

# digits RUN ARGS...: dense, so that it is quick; images by their shape.
digits() {
    run=$1
    shift
    "$@" train "$top/recipes/digits.yaml" --run "$run" --quiet --set 'data.shape=[1, 8, 8]' --set training.epochs=2 \
        --set "data.augment=$augment" $more 2>err || { cat err; die "$run: status $?"; }
}
augment='[{type: random_crop, padding: 1}, random_flip]'
more="--threads 1"
digits one "$LOCKSTEP"
more="--threads 3"
digits three "$LOCKSTEP"
more="--threads 2"
digits ranks run_mpi 2 "$LOCKSTEP"
more="--threads 2 --set training.steps=30"
digits again "$LOCKSTEP"
more="--threads 1 --resume"
digits again "$LOCKSTEP"
for run in three ranks again; do
    cmp one/model.safetensors $run/model.safetensors || die "the run '$run' gives other weights"
done
ok "the same weights with three threads, with two ranks, and after a resume within an epoch"

more="--threads 1"
for augment in '[]' '[random_flip]' '[random_flip, {type: random_crop, padding: 1}]'; do
    digits "other" "$LOCKSTEP"
    cmp -s one/model.safetensors other/model.safetensors && die "$augment gives the weights of another list"
    rm -r other
done
ok "other lists give other weights"

"$LOCKSTEP" eval one >first
"$LOCKSTEP" eval one >second
cmp first second || die "eval gives other results the second time"
augment='[]'
more="--threads 1 --set training.epochs=1 --set optimizer.lr=1e-30"
digits still "$LOCKSTEP"
augment='[random_flip]'
digits flipped "$LOCKSTEP"
last_of() {
    tail -n 1 "$1/metrics.jsonl" | sed 's/.*"test_loss":\([0-9.e-]*\).*/\1/'
}
[ "$(last_of still)" = "$(last_of flipped)" ] || die "test rows are augmented: $(last_of still), $(last_of flipped)"
ok "test rows stay as they are"

if "$LOCKSTEP" train "$top/recipes/iris.yaml" --run iris --set 'data.augment=[random_flip]' 2>err; then
    die "a table is flipped"
fi
expect_match 'iris.yaml:[0-9]*:[0-9]*: data.augment begins with random_flip, but a row of the data is 4 numbers' err
if "$LOCKSTEP" train "$top/recipes/digits.yaml" --run shape --set 'data.shape=[1, 8, 9]' 2>err; then
    die "a shape that does not fit is accepted"
fi
expect_match 'digits.yaml:[0-9]*:[0-9]*: data.shape is 1 x 8 x 9 = 72 numbers, but a row of the data has 64 inputs' err
ok "rows without a shape, or with another, are refused"
