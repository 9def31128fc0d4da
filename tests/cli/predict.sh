#!/bin/sh
# Trained models: predict, eval and inspect.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
cd "$work"
python3=${PYTHON3:-python3}
data=$top/datasets/iris.csv
"$LOCKSTEP" train "$top/recipes/iris.yaml" --threads 1 --run iris --quiet
model=iris/model.safetensors

"$LOCKSTEP" predict $model "$data" >all.csv
expect_lines 151 all.csv
[ "$(head -n 1 all.csv)" = "class,p_setosa,p_versicolor,p_virginica" ] || { head -n 1 all.csv; die "the header"; }
ok "predict: header and a line for each row"

# In the order of the input: each half and the reversed file give the same lines.
sed -n '2,76p' "$data" >first.csv
sed -n '77,$p' "$data" >last.csv
sed 1d "$data" | sed -n '1!G;h;$p' >back.csv
"$LOCKSTEP" predict $model first.csv --threads 1 | sed 1d >halves
"$LOCKSTEP" predict $model last.csv --threads 2 | sed 1d >>halves
sed 1d all.csv | cmp - halves || die "a row's prediction depends on the rows beside it"
"$LOCKSTEP" predict $model back.csv | sed 1d | sed -n '1!G;h;$p' | cmp - halves || die "not in the order of the input"
ok "predict: in the order of the input, whatever stands beside a row"

# The same file without its first line and without the class.
sed 1d "$data" | cut -d, -f1-4 >features.csv
"$LOCKSTEP" predict $model features.csv >without.csv
cmp all.csv without.csv || die "without the target column the predictions differ"
"$LOCKSTEP" predict iris features.csv | cmp all.csv - || die "a run directory instead of a model"
ok "predict: without the target column, and from a run directory"

# Class by name, the largest probability, and probabilities that add up to one.
sed 1d all.csv | awk -F, '
    BEGIN { name[2] = "setosa"; name[3] = "versicolor"; name[4] = "virginica" }
    {
        best = 2
        for (i = 3; i <= 4; i++) if ($i > $best) best = i
        sum = $2 + $3 + $4
        if ($1 != name[best] || sum < 0.99999 || sum > 1.00001) { print "line " NR ": " $0; exit 1 }
    }' || die "class and probabilities do not belong together"
ok "predict: the class is the most probable one"

# eval agrees with predict.
sed 1d all.csv | cut -d, -f1 >predicted
sed 1d "$data" | cut -d, -f5 | sed 's/0/setosa/; s/1/versicolor/; s/2/virginica/' >truth
right=$(paste -d, truth predicted | awk -F, '$1 == $2' | wc -l)
"$LOCKSTEP" eval $model "$data" --json >eval.json
"$python3" - eval.json "$right" <<'END' || die "eval and predict do not agree"
import json, sys
result = json.load(open(sys.argv[1]))
assert result["rows"] == 150 and result["rmse"] is None, result
assert abs(result["accuracy"] - int(sys.argv[2]) / 150) < 1e-12, (result, sys.argv[2])
END
"$LOCKSTEP" eval $model "$data" >text
expect_match '^rows  *150$' text
expect_match '^loss  *[0-9.e-]*$' text
expect_match '^accuracy  *[0-9.]* %$' text
ok "eval with data"

# Metrics that the recipe asks for: at the end of training, in its record, in eval with data and without.
"$LOCKSTEP" train "$top/recipes/iris.yaml" --run metrics --threads 1 \
    --set 'metrics=[accuracy, f1, roc_area, {type: top_k, k: 2}, confusion_matrix]' 2>text
expect_match '^test f1 0.[0-9]*  test roc_area 0.[0-9]*  test top_2 ' text
expect_match '^virginica  *0  *[0-9]*  *[0-9]*$' text
"$LOCKSTEP" eval metrics >text
expect_match '^f1  *0.[0-9]*$' text
expect_match '^top_2  *[01][0-9.]*$' text
expect_match '^setosa  *[0-9]*  *[0-9]*  *[0-9]*$' text
"$LOCKSTEP" eval metrics --json >eval.json
tail -n 1 metrics/metrics.jsonl >done.json
"$python3" - eval.json done.json <<'END' || die "eval does not repeat the metrics of the training"
import json, sys
result, done = (json.load(open(name)) for name in sys.argv[1:])
for name in ("f1", "roc_area", "top_2"):
    assert abs(result[name] - done["test_" + name]) < 1e-8, (name, result, done)
matrix = result["confusion_matrix"]
assert matrix == done["test_confusion_matrix"] and sum(map(sum, matrix)) == 30, (result, done)
assert abs(sum(matrix[i][i] for i in range(3)) / 30 - result["accuracy"]) < 1e-12, result
f1 = sum(2 * matrix[i][i] / (sum(matrix[i]) + sum(row[i] for row in matrix)) for i in range(3)) / 3
assert abs(f1 - result["f1"]) < 1e-12, (f1, result)
END
"$LOCKSTEP" eval metrics "$data" --json >eval.json
expect_match '"rows": 150.*"top_2": [01]' eval.json
ok "metrics in records and eval"

# Without data: the test set of the run, with the numbers that the training ended with.
"$LOCKSTEP" eval iris/model.safetensors --json >eval.json
tail -n 1 iris/metrics.jsonl >done.json
"$python3" - eval.json done.json <<'END' || die "eval does not repeat the end of the training"
import json, sys
result, done = (json.load(open(name)) for name in sys.argv[1:])
assert result["rows"] == 30, result
assert abs(result["loss"] - done["test_loss"]) < 1e-7 and abs(result["accuracy"] - done["test_accuracy"]) < 1e-7, (result, done)
END
ok "eval without data: the test set"

# A model that predicts values.
cat >values.yaml <<'END'
data: {type: csv, train: line.csv, target: y, task: values, test_fraction: 0}
model:
  - {type: dense, units: 1}
loss: mse
training: {epochs: 20, batch: 8}
END
awk 'BEGIN { print "a,b,y"; for (i = 0; i < 40; i++) print i / 40 "," i % 3 "," i / 20 + i % 3 - 1 }' >line.csv
"$LOCKSTEP" train values.yaml --threads 1 --run values --quiet
"$LOCKSTEP" predict values line.csv >values.csv
expect_lines 41 values.csv
[ "$(head -n 1 values.csv)" = y ] || { head -n 3 values.csv; die "the header of values"; }
expect_no_match , values.csv
"$LOCKSTEP" eval values line.csv >text
expect_match '^rmse  *[0-9.e-]*$' text
expect_no_match accuracy text
ok "predict and eval of values"

# A model with several outputs: each has columns under its name, with its class where it has classes.
awk 'BEGIN {
    print "x,y,price,shade,size,kind"
    for (i = 0; i < 48; i++)
        print i % 8 "," i % 6 "," i % 8 + i % 6 "," (i % 2 ? "dark" : "light") "," i % 6 ",k" i % 3
}' >houses.csv
cat >houses.yaml <<'END'
data: {type: csv, train: houses.csv, target: [price, shade, size, kind], class_targets: [shade, kind], test_fraction: 0}
model:
  - {type: dense, name: trunk, units: 16, activation: tanh}
  - {type: dense, name: colour, units: 1, inputs: trunk}
  - {type: dense, name: numbers, units: 2, inputs: trunk}
  - {type: dense, name: "make", units: 3, inputs: trunk}
losses:
  - {type: binary_cross_entropy, output: colour, targets: shade}
  - {type: mse, output: numbers, targets: [price, size]}
  - {type: softmax_cross_entropy, output: make, targets: kind}
optimizer: {type: adam, lr: 0.02}
training: {epochs: 60, batch: 16}
END
"$LOCKSTEP" train houses.yaml --threads 1 --run houses --quiet
"$LOCKSTEP" predict houses houses.csv >houses.out
header=colour.class,colour.p_light,numbers.price,numbers.size,make.class,make.p_k0,make.p_k1,make.p_k2
[ "$(head -n 1 houses.out)" = "$header" ] || { head -n 1 houses.out; die "the header of several outputs"; }
expect_lines 49 houses.out
sed 1d houses.out | awk -F, '
    {
        colour = $2 >= 0.5 ? "light" : "dark"
        best = 6
        for (i = 7; i <= 8; i++) if ($i > $best) best = i
        if (NF != 8 || $1 != colour || $5 != "k" (best - 6)) { print "line " NR ": " $0; exit 1 }
    }' || die "classes and probabilities of several outputs do not belong together"
"$LOCKSTEP" eval houses houses.csv --json >eval.json
sed 1d houses.out | cut -d, -f1,5 >predicted
sed 1d houses.csv | cut -d, -f4,6 >truth
"$python3" - eval.json predicted truth <<'END' || die "eval and predict of several outputs do not agree"
import json, sys
result = json.load(open(sys.argv[1]))
said, true = ([line.rstrip("\n").split(",") for line in open(name)] for name in sys.argv[2:])
for name, column in (("colour", 0), ("make", 1)):
    share = sum(a[column] == b[column] for a, b in zip(said, true)) / 48
    assert abs(result[name + ".accuracy"] - share) < 1e-9, (name, result, share)
END
ok "predict of several outputs"

# inspect.
"$LOCKSTEP" inspect "$top/recipes/iris.yaml" >text
expect_match '^hidden  *dense  *16  *80  *128  *256 bytes$' text
expect_match '^total  *131' text
"$LOCKSTEP" inspect $model >text
expect_match '^hidden.weight  *16 x 4  *64 values' text
expect_match '^total  *131 values' text
"$LOCKSTEP" inspect iris >again
sed 1d text >one
sed 1d again | cmp one - || die "inspect of a run directory"
"$LOCKSTEP" inspect iris/checkpoints/step-*.safetensors >text
expect_match 'hidden.weight' text
cat >branches.yaml <<'END'
data: {type: xor}
loss: softmax_cross_entropy
model:
  - {repeat: 2, name: block, layers: [{type: dense, units: 2, name: fc}, {type: add, inputs: [fc, previous]}]}
END
"$LOCKSTEP" inspect branches.yaml >text
expect_match "^o-'  block_0_add_0  *add  *2  *0  *0  *16 bytes  <- block_0_fc, input$" text
expect_match '^[|]-o  block_1_fc  *dense' text
ok "inspect of a recipe, a model, a run directory and a checkpoint"

# Failures: a message, status 1 and nothing else.
# fails PATTERN ARGUMENTS...
fails() {
    pattern=$1
    shift
    status=0
    "$LOCKSTEP" "$@" >out 2>err || status=$?
    [ "$status" = 1 ] || { cat out err; die "lockstep $*: status $status, expected 1"; }
    [ ! -s out ] || die "lockstep $* writes to standard output"
    expect_lines 1 err
    expect_match "^lockstep: .*$pattern" err
}
fails "nothing.csv" predict $model nothing.csv
fails "nothing.safetensors" predict nothing.safetensors "$data"
fails "nothing" eval nothing
fails "nothing" inspect nothing
sed '20s/.*/1,2,x,4,0/' "$data" >bad.csv
fails "bad.csv:20" predict $model bad.csv
fails "wine.csv" predict $model "$top/datasets/wine.csv"
fails "features.csv" eval $model features.csv
size=$(wc -c <$model)
head -c $((size - 9)) $model >short.safetensors
fails "short.safetensors" predict short.safetensors "$data"
cp $model flipped.safetensors
printf X | dd of=flipped.safetensors bs=1 seek=$((size - 5)) conv=notrunc 2>/dev/null
fails "checksum" predict flipped.safetensors "$data"
cp "$data" not-a-model.safetensors
fails "not-a-model.safetensors" inspect not-a-model.safetensors
ok "wrong files are named"

if [ -w /dev/full ]; then
    status=0
    "$LOCKSTEP" predict $model "$data" >/dev/full 2>err || status=$?
    [ "$status" = 1 ] || die "status $status when standard output is full"
    expect_match '^lockstep: .*standard output' err
fi
for number in 1 2 3 4 5 6 7 8 9 10; do sed 1d "$data"; done >long.csv
{
    status=0
    "$LOCKSTEP" predict $model long.csv 2>err || status=$?
    echo $status >code
} | sleep 0
[ "$(cat code)" = 1 ] || die "status $(cat code) when nobody reads standard output"
ok "a full disk and a closed pipe do not go unnoticed"
