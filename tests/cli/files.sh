#!/bin/sh
# model.safetensors and checkpoints for other programs: another reader opens them, names and shapes are as documented,
# and the tensors with the metadata are all that it takes to repeat what "lockstep predict" says.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
cd "$work"
python3=${PYTHON3:-python3}
"$python3" -c '' 2>/dev/null || skip "there is no python3"
reader=$top/tests/check_safetensors.py
data=$top/datasets/iris.csv

"$LOCKSTEP" train "$top/recipes/iris.yaml" --threads 1 --run named --quiet --set training.epochs=5
"$python3" "$reader" named/model.safetensors >model.txt || die "another reader does not open the model"
for line in 'tensor "hidden.weight" F32 16x4 ' 'tensor "hidden.bias" F32 16 ' 'tensor "output.weight" F32 3x16 ' \
    'tensor "output.bias" F32 3 '; do
    grep -qF "$line" model.txt || { cat model.txt; die "no $line"; }
done
[ "$(grep -c '^tensor' model.txt)" = 4 ] || { cat model.txt; die "more tensors than the model has"; }
sed 's/, name: [a-z]*//' "$top/recipes/iris.yaml" >unnamed.yaml
"$LOCKSTEP" train unnamed.yaml --threads 1 --run unnamed --quiet --set "data.train=$data" --set training.epochs=5
"$python3" "$reader" unnamed/model.safetensors >unnamed.txt
for name in dense_0.weight dense_0.bias dense_1.weight dense_1.bias; do expect_match "^tensor \"$name\" F32" unnamed.txt; done
ok "names as in the recipe or of their kind, weights as [out, in]"

for checkpoint in named/checkpoints/*.safetensors; do
    "$python3" "$reader" "$checkpoint" >checkpoint.txt || die "another reader does not open $checkpoint"
    for name in hidden.weight hidden.bias output.weight output.bias; do
        expect_match "^tensor \"$name\" F32" checkpoint.txt
        case $checkpoint in
        */best.*) ;;
        *) grep '^tensor "optimizer\.' checkpoint.txt | grep -qF "$name" || die "no optimiser state of $name" ;;
        esac
    done
done
ok "checkpoints are files of the same format, with the state of the optimiser"

grep '^metadata' model.txt >metadata.txt
for word in "$work" "$top" "$(uname -n)" "$(date +%Y-%m)" threads rank; do
    if grep -wF -e "$word" metadata.txt; then die "the model's file says '$word'"; fi
done
ok "nothing of time, host, path or layout is in the file"

"$LOCKSTEP" predict named "$data" >predicted.csv
"$python3" - named/model.safetensors "$data" predicted.csv <<'END' || die "tensors and predictions do not belong together"
import csv, json, math, struct, sys

raw = open(sys.argv[1], "rb").read()
(length,) = struct.unpack_from("<Q", raw)
header = json.loads(raw[8 : 8 + length])


def tensor(name):
    entry = header[name]
    begin, end = entry["data_offsets"]
    return entry["shape"], struct.unpack_from(f"<{(end - begin) // 4}f", raw, 8 + length + begin)


def dense(x, name):
    (rows, columns), weight = tensor(name + ".weight")
    _, bias = tensor(name + ".bias")
    return [bias[r] + sum(weight[r * columns + c] * x[c] for c in range(columns)) for r in range(rows)]


entries = header["__metadata__"]
given, output = json.loads(entries["lockstep.input"]), json.loads(entries["lockstep.output"])
model = json.loads(entries["lockstep.model"])["model"]
assert [layer["activation"]["type"] if layer["activation"] else None for layer in model] == ["tanh", None], model
predicted = list(csv.reader(open(sys.argv[3])))[1:]
rows = list(csv.reader(open(sys.argv[2])))[1:]
assert len(rows) == len(predicted) == 150
for row, said in zip(rows, predicted):
    x = [(float(v) - s) * k for v, s, k in zip(row[:4], given["shift"], given["scale"])]
    z = dense([math.tanh(v) for v in dense(x, "hidden")], "output")
    e = [math.exp(v - max(z)) for v in z]
    p = [v / sum(e) for v in e]
    assert said[0] == output["names"][p.index(max(p))], (said, p)
    assert all(abs(float(a) - b) < 1e-5 for a, b in zip(said[1:], p)), (said, p)
END
ok "a program of twenty lines repeats the predictions from the file alone"
