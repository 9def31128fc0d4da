#!/bin/sh
# A failure on one rank ends all ranks with one message that names the rank, a status that is not 0, no hang and no
# half-written file. Uses the command with fault injection.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
need_mpirun

recipe=$top/recipes/digits.yaml

# fails PATTERN FAULT ARGUMENTS...: two and four ranks.
fails() {
    pattern=$1
    fault=$2
    shift 2
    for ranks in 2 4; do
        rm -rf "$work/run"
        begin=$(date +%s)
        status=0
        LOCKSTEP_FAULT=$fault run_mpi $ranks "$LOCKSTEP_FAULTY" train "$recipe" --run "$work/run" --threads 1 \
            --set training.epochs=2 "$@" >"$work/out" 2>&1 || status=$?
        seconds=$(($(date +%s) - begin))
        [ "$status" != 0 ] || { cat "$work/out"; die "$fault: exit status 0"; }
        [ "$status" != 124 ] || die "$fault: hangs"
        grep -q "$pattern" "$work/out" || { cat "$work/out"; die "$fault: no message with '$pattern'"; }
        count=$(grep -c "^lockstep: " "$work/out" || true)
        [ "$count" = 1 ] || { cat "$work/out"; die "$fault: $count messages instead of one"; }
        [ ! -e "$work/run/model.safetensors" ] || die "$fault: there is a model"
        left=$(find "$work" -name '*.tmp*' -o -name '*.part*' | wc -l)
        [ "$left" = 0 ] || die "$fault: temporary files are left"
        ok "$fault on $ranks ranks: status $status after $seconds s"
    done
}

fails "rank 1.*cannot open" "open:rank=1:nth=2"
fails "rank 1.*read" "read:rank=1:nth=2"
fails "rank 1.*memory" "memory:rank=1:nth=200"
fails "memory" "memory:rank=0:nth=220"
fails "write" "write:rank=0:nth=3"
fails "infinity or NaN in the input" "overflow:rank=1:nth=3"
fails "rank 1.*differ.*output" "flip:rank=1:nth=1" --set model.1.name=output
fails "differ" "flip:rank=0:nth=2"

# Another recipe on one rank.
sed 's/^seed:.*/seed: 99/' "$recipe" >"$work/other.yaml"
cp "$recipe" "$work/one.yaml"
ln -s "$top/datasets" "$work/datasets" 2>/dev/null || true
mkdir -p "$work/sub"
for f in one other; do sed 's#\.\./datasets#'"$top"'/datasets#' "$work/$f.yaml" >"$work/sub/$f.yaml"; done
grep -q '^seed: 99' "$work/sub/other.yaml" || die "the recipe has no seed to change"
status=0
run_mpi_mixed "$LOCKSTEP" "train $work/sub/one.yaml --run $work/mixed" "train $work/sub/other.yaml --run $work/mixed" >"$work/out" 2>&1 || status=$?
[ "$status" != 0 ] || die "two recipes were accepted"
grep -q "recipes of the ranks" "$work/out" || { cat "$work/out"; die "no message about the recipes"; }
[ ! -e "$work/mixed" ] || die "a run directory was made"
ok "another recipe on one rank is an error before anything is written"
