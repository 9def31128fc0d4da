#!/bin/sh
# The recipes for MNIST reach the accuracy that README.md states for them, by the command that is printed beside it. They take
# minutes and need data that are not shipped, so they belong to "make soak".
set -eu
. "${srcdir:-.}/tests/cli/common.sh"

command -v gzip >/dev/null 2>&1 || die "there is no gzip"
for name in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
    [ -s "$top/datasets/mnist/$name-ubyte.gz" ] ||
        skip "$top/datasets/mnist/$name-ubyte.gz is not there; scripts/fetch-mnist fetches it"
done

# reaches ACCURACY RECIPE: at least this share of the 10,000 test images, and what README.md says but for its last digit.
reaches() {
    row=$(grep "lockstep train recipes/$2.yaml" "$top/README.md") || die "README.md has no command for $2"
    command=$(printf '%s\n' "$row" | sed 's/.*lockstep \(train recipes[^`]*\)`.*/\1/')
    stated=$(printf '%s\n' "$row" | sed 's/.* \([0-9.]*\) % *|$/\1/')
    (cd "$top" && "$LOCKSTEP" $command --run "$work/$2" --quiet --json >"$work/$2.json") || die "$2 does not train"
    reached=$(sed 's/.*"test_accuracy": *\([0-9.]*\).*/\1/' "$work/$2.json")
    awk -v reached="$reached" -v wanted="$1" 'BEGIN { exit !(reached >= wanted) }' ||
        die "$2: accuracy $reached, expected at least $1"
    awk -v reached="$reached" -v stated="$stated" 'BEGIN { off = 100 * reached - stated; exit !(off < 0.1 && off > -0.1) }' ||
        die "$2: accuracy $reached, but README.md states $stated %"
    ok "$2: accuracy $reached"
}

reaches 0.983 mnist-mlp
reaches 0.992 mnist-lenet
