#!/bin/sh
# Wrong recipes end with status 2 and file:line:column before anything is written; wrong data with status 1.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
cd "$work"
cp "$top/datasets/iris.csv" iris.csv

cat >good.yaml <<'END'
seed: 2
data:
  type: csv
  train: iris.csv
model:
  - {type: dense, units: 4, activation: tanh, name: hidden}
  - {type: dense, units: 3, name: output}
loss: softmax_cross_entropy
optimizer: {type: sgd, lr: 0.05}
training:
  epochs: 1
  batch: 16
END
expect_status 0 "$LOCKSTEP" train good.yaml --threads 1 --quiet
rm -rf runs

# refused STATUS PATTERN ARGUMENTS...: one line, no directory.
refused() {
    wanted_status=$1
    pattern=$2
    shift 2
    expect_status "$wanted_status" "$LOCKSTEP" train --threads 1 "$@"
    expect_lines 1 "$output"
    expect_match '^lockstep: ' "$output"
    expect_match "$pattern" "$output"
    [ ! -e runs ] || die "a refused recipe made a directory"
}

# changed PATTERN SED: the good recipe with one change.
changed() {
    sed "$2" good.yaml >wrong.yaml
    cmp -s good.yaml wrong.yaml && die "nothing was changed by $2"
    refused 2 "$1" wrong.yaml
}
changed 'wrong.yaml:11:3: .*epochs' 's/epochs: 1/epoch: 1/'
changed 'wrong.yaml:1:1: .*seed' 's/^seed/sead/'
changed 'wrong.yaml:6:12: .*dense' '6s/dense/dens/'
changed 'wrong.yaml:6:26: ' '6s/units: 4/units: four/'
changed 'wrong.yaml:6:26: ' '6s/units: 4/units: 0/'
changed 'wrong.yaml:9:28: .*lr' '9s/0.05/-1/'
changed 'wrong.yaml:9:' '9s/lr: 0.05/lr: 0.05, lr: 0.06/'
changed 'wrong.yaml:' '8s/.*/loss: softmax_cross_entropi/'
changed 'wrong.yaml:' '8d'
changed 'wrong.yaml:' '9s/}//'
ok "wrong recipes: file, line, column and the nearest word"

changed 'wrong.yaml:8:7: .*2 units.*3 classes' '7s/units: 3/units: 2/'
ok "a model that does not fit the data"

refused 2 'optimizer.lr' good.yaml --set optimizer.lr=fast
refused 2 "optimizer.rl.*did you mean 'lr'" good.yaml --set optimizer.rl=0.1
refused 2 'training' good.yaml --set training.epochs=0
refused 2 'hiden' good.yaml --set model.hiden.units=3
ok "--set is checked as the recipe is"

refused 2 'nowhere.yaml' nowhere.yaml
refused 2 'binary.yaml' "$(head -c 300 "$LOCKSTEP" >binary.yaml; echo binary.yaml)"
: >empty.yaml
refused 2 'empty.yaml' empty.yaml
ok "a recipe that is none"

# Data.
refused 1 'nothing.csv' good.yaml --set data.train=nothing.csv
sed '7s/.*/5.0,3.4,abc,0.2,0/' iris.csv >letters.csv
refused 1 'letters.csv:7' good.yaml --set data.train=letters.csv
sed '9s/.*/5.0,3.4/' iris.csv >short.csv
refused 1 'short.csv:9' good.yaml --set data.train=short.csv
: >empty.csv
refused 1 'empty.csv' good.yaml --set data.train=empty.csv
gzip -c iris.csv | head -c 400 >cut.csv.gz
refused 1 'cut.csv.gz' good.yaml --set data.train=cut.csv.gz
ok "wrong data: file and line, status 1, nothing written"

# Trouble while running.
: >file
expect_status 1 "$LOCKSTEP" train good.yaml --threads 1 --run file/run
expect_match '^lockstep: .*file' "$output"
expect_status 1 "$LOCKSTEP" train good.yaml --threads 1 --run big \
    --set optimizer.lr=1e30 --set training.epochs=5 --set model.hidden.activation=relu
expect_match 'infinity or NaN' "$output"
[ ! -e big/model.safetensors ] || die "there is a model of infinity"
expect_match '^lockstep: ' "$output"
ok "a directory that cannot be made, and a training that explodes"
