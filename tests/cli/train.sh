#!/bin/sh
# The run directory: what is in it, when it is refused, taken up or replaced; and what train prints where.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
cd "$work"
python3=${PYTHON3:-python3}
recipe=$top/recipes/iris.yaml
short="--threads 1 --set training.epochs=3"

# The default directory is named after the recipe and lies where the command is started.
"$LOCKSTEP" train "$recipe" $short >out 2>err || { cat err; die "train: status $?"; }
[ ! -s out ] || die "train writes to standard output"
for file in model.safetensors metrics.jsonl recipe.yaml checkpoints/best.safetensors; do
    [ -s "runs/iris/$file" ] || die "runs/iris/$file is missing"
done
ls runs/iris/checkpoints | grep -q '^step-[0-9]*\.safetensors$' || die "no checkpoint"
[ -z "$(find runs -name '*.tmp*')" ] || die "temporary files are left"
expect_lines 4 runs/iris/metrics.jsonl
tail -n 1 runs/iris/metrics.jsonl >last
expect_match '^{"event":"done"' last
for key in epoch epochs steps loss accuracy test_loss test_accuracy samples_per_s wall_s; do
    expect_match "\"$key\":" last
done
ok "runs/iris has the model, the log, the recipe and checkpoints"

expect_match '^epoch 1/3 .*loss' err
expect_match 'test accuracy [0-9.]* %' err
expect_match 'runs/iris/model.safetensors' err
expect_match 'runs/iris/metrics.jsonl' err
expect_match 'lockstep eval runs/iris/model.safetensors' err
expect_match 'lockstep predict runs/iris/model.safetensors' err
[ "$(grep -c '^epoch' err)" = 3 ] || die "not one line an epoch"
[ "$(tr -dc '\r\033' <err | wc -c)" = 0 ] || die "control characters in a file"
ok "progress, result, places and the next thing to try are on standard error"

# Refused, taken up, replaced.
cp -R runs/iris before
expect_status 1 "$LOCKSTEP" train "$recipe" $short
expect_match 'finished run.*--resume.*--overwrite.*--run' "$output"
diff -r before runs/iris || die "a refused run changed the directory"
ok "a finished run is not overwritten"

expect_status 0 "$LOCKSTEP" train "$recipe" $short --resume
expect_match 'finished' "$output"
cmp before/model.safetensors runs/iris/model.safetensors || die "resuming a finished run changed the model"
cmp before/metrics.jsonl runs/iris/metrics.jsonl || die "resuming a finished run changed the log"
ok "resuming a finished run says so and does nothing"

"$LOCKSTEP" train "$recipe" $short --resume --json >out 2>/dev/null
cmp last out || die "--resume --json of a finished run does not print its final record"
expect_status 0 "$LOCKSTEP" train "$recipe" $short --overwrite --set seed=9
cmp -s before/model.safetensors runs/iris/model.safetensors && die "--overwrite kept the old model"
expect_lines 4 runs/iris/metrics.jsonl
ok "--overwrite replaces a run"

expect_status 0 "$LOCKSTEP" train "$recipe" $short --run anew --resume
expect_match 'anew' "$output"
[ -s anew/model.safetensors ] || die "nothing was trained"
ok "--resume without a checkpoint starts anew and says so"

expect_status 2 "$LOCKSTEP" train "$recipe" $short --run anew --resume --set optimizer.lr=0.07
expect_match 'optimizer.lr' "$output"
ok "--resume refuses another recipe by its key"

# What is printed.
"$LOCKSTEP" train "$recipe" $short --run json --json >out 2>/dev/null
expect_lines 1 out
"$python3" -m json.tool out >/dev/null || die "--json is not JSON"
tail -n 1 json/metrics.jsonl | cmp - out || die "--json differs from the last line of metrics.jsonl"
"$LOCKSTEP" train "$recipe" $short --run quiet --quiet >out 2>err
[ ! -s out ] && [ ! -s err ] || { cat out err; die "--quiet is not silent"; }
"$LOCKSTEP" train "$recipe" $short --run both --quiet --json >out 2>err
expect_lines 1 out
[ ! -s err ] || die "--quiet --json writes to standard error"
"$LOCKSTEP" train "$recipe" $short --run quiet --quiet >out 2>err && die "a finished run was overwritten"
expect_lines 1 err
ok "--json is alone on standard output, --quiet prints errors only"

if [ -w /dev/full ]; then
    status=0
    "$LOCKSTEP" train "$recipe" $short --run full --json --quiet >/dev/full 2>err || status=$?
    [ "$status" = 1 ] || die "status $status when standard output is full"
    expect_match 'standard output' err
    ok "a record that cannot be written is an error"
fi

# Equal runs, equal files; paths relative to the recipe, wherever the command is started.
mkdir elsewhere
(cd elsewhere && "$LOCKSTEP" train "$recipe" $short --run ../again --quiet)
for file in model.safetensors checkpoints/best.safetensors; do
    cmp "quiet/$file" "again/$file" || die "equal runs differ in $file"
done
mkdir -p own/data
cp "$top/datasets/iris.csv" own/data/flowers.csv
sed 's#\.\./datasets/iris.csv#data/flowers.csv#' "$recipe" >own/mine.yml
"$LOCKSTEP" train own/mine.yml $short --quiet
cmp quiet/model.safetensors runs/mine/model.safetensors || die "another path of the same data changes the model"
ok "equal runs give equal files, from any directory and path"

"$LOCKSTEP" train quiet/recipe.yaml --threads 1 --run resolved --quiet
cmp quiet/model.safetensors resolved/model.safetensors || die "the resolved recipe trains another model"
ok "recipe.yaml in the run directory trains the same model"

"$LOCKSTEP" train "$recipe" $short --run set --quiet --set model.hidden.units=5 --set optimizer.lr=0.2
expect_match 'units: 5' set/recipe.yaml
expect_match 'lr: 0.2' set/recipe.yaml
ok "--set changes the recipe"

# A directory in use, and one that a killed process has left.
"$LOCKSTEP" train "$recipe" --threads 1 --run used --quiet --set training.epochs=1000000000 \
    --set training.report=1000000 --set training.checkpoint.every_steps=500 &
long=$!
background="$background $long"
wait_for 20 test -s used/recipe.yaml
for way in "" --overwrite --resume; do
    expect_status 1 "$LOCKSTEP" train "$recipe" $short --run used $way
    expect_match "in use by process $long" "$output"
done
kill -0 $long || die "the long run ended"
ok "a directory in use is recognised"

wait_for 20 sh -c 'ls used/checkpoints | grep -q step-'
kill -9 $long
wait $long 2>/dev/null || true
background=
expect_status 1 "$LOCKSTEP" train "$recipe" $short --run used
expect_match 'unfinished run' "$output"
expect_status 0 "$LOCKSTEP" train "$recipe" --threads 1 --run used --resume --set training.epochs=1000000000 \
    --set training.steps=1
expect_match 'steps are done' "$output"
expect_status 0 "$LOCKSTEP" train "$recipe" $short --run used --overwrite --quiet
cmp quiet/model.safetensors used/model.safetensors || die "a replaced run left its traces"
ok "a directory left by a killed run is not in use"

# Killed after the last checkpoint, before the results were there; within an epoch and at the end of one.
for limit in training.epochs=3 training.steps=11; do
    rm -rf late
    "$LOCKSTEP" train "$recipe" --threads 1 --run late --quiet --set $limit
    without_times() { sed 's/"samples_per_s":.*//' late/metrics.jsonl; }
    without_times >log-before
    mv late/model.safetensors model-before
    sed '$d' late/metrics.jsonl >shorter
    mv shorter late/metrics.jsonl
    expect_status 0 "$LOCKSTEP" train "$recipe" --threads 1 --run late --set $limit --resume
    expect_match 'results are written again' "$output"
    without_times | diff log-before - || die "$limit: another log after a resume at the end"
    cmp model-before late/model.safetensors || die "$limit: another model after a resume at the end"
done
ok "a run that was killed before its results were written gets them"

# Other data under the same name: an error, and the checkpoints stay.
cp "$top/datasets/iris.csv" changing.csv
"$LOCKSTEP" train "$recipe" --threads 1 --run changing --quiet --set training.epochs=2 --set data.train=changing.csv
rm changing/model.safetensors
sed '9s/[0-9]/7/' "$top/datasets/iris.csv" >changing.csv
ls changing/checkpoints >names-before
expect_status 1 "$LOCKSTEP" train "$recipe" --threads 1 --run changing --set training.epochs=3 \
    --set data.train=changing.csv --resume
expect_match 'data: the rows are not those' "$output"
ls changing/checkpoints | diff names-before - || die "--resume with other data touched the checkpoints"
ok "--resume with other rows in the data file is refused"

# An average that would begin after the end.
"$LOCKSTEP" train "$recipe" --threads 1 --run average --set training.epochs=4 --set 'training.average={type: swa, start: 5}' 2>err
expect_match 'training.average never began' err
"$LOCKSTEP" train "$recipe" --threads 1 --run average --overwrite --set training.epochs=5 --set 'training.average={type: swa, start: 5}' 2>err
expect_no_match 'never began' err
ok "an average that never began is told"

# Signals.
for signal in TERM INT USR1; do
    rm -rf stopped
    # A shell without job control lets background processes ignore SIGINT; env undoes that where it can.
    env --default-signal=INT "$LOCKSTEP" train "$recipe" --threads 1 --run stopped --quiet \
        --set training.epochs=1000000000 --set training.report=1000000 2>err &
    long=$!
    background=$long
    wait_for 20 test -e stopped/metrics.jsonl
    kill -$signal $long
    status=0
    wait $long || status=$?
    background=
    [ "$status" = 75 ] || { cat err; die "status $status after SIG$signal, expected 75"; }
    ls stopped/checkpoints | grep -q step- || die "no checkpoint after SIG$signal"
    expect_match '^lockstep: .*--resume' err
done
ok "signals stop a run with a checkpoint and status 75"
