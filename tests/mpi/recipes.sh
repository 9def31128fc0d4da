#!/bin/sh
# Every recipe that is shipped gives the same weights on every layout. Those whose data are fetched get made files of the format.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
need_mpirun
: "${PYTHON3:=python3}"
LOCKSTEP_ALL_THREADS=1 # also where they are too few rows for several threads
export LOCKSTEP_ALL_THREADS

"$PYTHON3" - "$work" <<'END' || die "no data were made"
import random, struct, sys
random.seed(2)
work, rows = sys.argv[1], 150
with open(work + "/images", "wb") as images, open(work + "/labels", "wb") as labels:
    images.write(struct.pack(">IIII", 0x803, rows, 28, 28) + bytes(random.randrange(256) for _ in range(rows * 784)))
    labels.write(struct.pack(">II", 0x801, rows) + bytes(row % 10 for row in range(rows)))
with open(work + "/pictures.bin", "wb") as pictures:
    for row in range(40):
        pictures.write(bytes([row % 10]) + bytes(random.randrange(256) for _ in range(3072)))
END

# settings RECIPE: few steps, on data that are there.
settings() {
    case $1 in
    mnist-*) echo "--set training.steps=2 --set data.train_images=$work/images --set data.train_labels=$work/labels" \
        "--set data.test_images=$work/images --set data.test_labels=$work/labels" ;;
    cifar10-*) echo "--set training.steps=2 --set training.batch=20 --set training.grain=8 --set data.train=$work/pictures.bin" \
        "--set data.test=$work/pictures.bin --set data.names=" ;;
    digits-cnn) echo "--set training.steps=6 --set training.batch=320" ;; # more panels than threads
    *) echo "--set training.steps=8" ;;
    esac
}

# weights LAYOUT RECIPE
weights() {
    set -- "$1" "$2" "${1%x*}" "${1#*x}"
    launch=
    [ "$3" = 1 ] || launch="run_mpi $3"
    $launch "$LOCKSTEP" train "$top/recipes/$2.yaml" --run "$work/$2-$1" --threads "$4" --quiet $(settings "$2") >"$output" 2>&1 || {
        cat "$output" >&2
        die "$2 does not train on $1 ranks x threads"
    }
}

layouts="1x3 2x2 3x1 4x1 1x16 4x4" # 16: many more than cores on small machines
count=0
for recipe in "$top"/recipes/*.yaml; do
    name=$(basename "$recipe" .yaml)
    weights 1x1 "$name"
    for layout in $layouts; do
        weights $layout "$name"
        cmp "$work/$name-1x1/model.safetensors" "$work/$name-$layout/model.safetensors" ||
            die "$name: other weights on $layout ranks x threads"
    done
    count=$((count + 1))
    ok "$name on 1x1 $layouts"
done
[ "$count" -ge 9 ] || die "only $count recipes"

# The control: another seed gives other weights.
"$LOCKSTEP" train "$top/recipes/iris.yaml" --run "$work/other" --threads 1 --quiet $(settings iris) --set seed=77
cmp -s "$work/iris-1x1/model.safetensors" "$work/other/model.safetensors" && die "another seed gives the same weights"
ok "the control: another seed gives other weights"
