#!/bin/sh
# The recipes that are shipped do what they promise: the small ones reach their accuracy on the rows that were held back, the
# one for CIFAR-10 loads and trains on files of its format.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
: "${PYTHON3:=python3}"

# at_least ACCURACY RECIPE: the number is a little below what the recipe reaches.
at_least() {
    "$LOCKSTEP" train "$top/recipes/$2.yaml" --run "$work/$2" --quiet --json >"$work/$2.json" || die "$2 does not train"
    reached=$(sed 's/.*"test_accuracy": *\([0-9.]*\).*/\1/' "$work/$2.json")
    awk -v reached="$reached" -v wanted="$1" 'BEGIN { exit !(reached >= wanted) }' ||
        die "$2: accuracy $reached, expected at least $1"
    ok "$2: accuracy $reached"
}

at_least 0.90 iris
at_least 0.94 wine
at_least 0.95 breast_cancer
at_least 0.98 digits
at_least 0.98 digits-cnn

# Pictures of noise with a bright plane that tells the class, in two files, and a test file.
"$PYTHON3" - "$work" <<'END' || die "no files of the CIFAR format"
import random, sys
random.seed(1)
def record(label):
    planes = [[random.randrange(60) + (150 if label % 3 == plane else 0) for _ in range(1024)] for plane in range(3)]
    return bytes([label]) + b"".join(bytes(p) for p in planes)
for name, rows in (("data_batch_1", 40), ("data_batch_2", 30), ("test_batch", 20)):
    with open(f"{sys.argv[1]}/{name}.bin", "wb") as out:
        for row in range(rows):
            out.write(record(row % 10))
END
data="--set data.train=$work/data_batch_*.bin --set data.test=$work/test_batch.bin"
set -f
"$LOCKSTEP" train "$top/recipes/cifar10-resnet20.yaml" $data --set data.names= --set training.batch=32 --set training.steps=3 \
    --run "$work/cifar" --quiet --json >"$work/cifar.json" || die "the recipe for CIFAR-10 does not train"
expect_match '"steps": *3' "$work/cifar.json"
expect_status 0 "$LOCKSTEP" eval "$work/cifar/model.safetensors" "$work/test_batch.bin"
expect_status 0 "$LOCKSTEP" predict "$work/cifar/model.safetensors" "$work/test_batch.bin"
expect_lines 21 "$output"
ok "ResNet-20 trains, evaluates and predicts on files of the CIFAR format"
