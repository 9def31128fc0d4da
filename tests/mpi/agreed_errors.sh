#!/bin/sh
# A failure on one rank ends all ranks with one message that names the rank, a status that is not 0, no hang and no
# half-written file. Uses the command with fault injection.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
need_mpirun

recipe=$top/recipes/digits.yaml

# Runs a command and leaves its exit status in a file of its rank's.
cat >"$work/noting" <<'END'
#!/bin/sh
status=0
"$@" || status=$?
echo $status >"$STATUSES/${OMPI_COMM_WORLD_RANK:-${PMIX_RANK:-${PMI_RANK:-0}}}"
exit $status
END
chmod +x "$work/noting"
STATUSES=$work/statuses
export STATUSES
LIMIT=5 # seconds within which an error must have ended all ranks
[ -z "${LOCKSTEP_SANITIZER:-}" ] || LIMIT=60

# expect_all_failed WHAT RANKS SECONDS: the ranks' own statuses. A launcher may end ranks that are still about to leave.
expect_all_failed() {
    [ "$3" -le $LIMIT ] || die "$1: it took $3 s"
    [ "$(ls "$STATUSES" | wc -l)" -ge 1 ] || die "$1: no rank left by itself"
    for file in "$STATUSES"/*; do
        [ "$(cat "$file")" != 0 ] || die "$1: rank ${file##*/} of $2 left with status 0"
    done
}

# fails PATTERN FAULT ARGUMENTS...: two and four ranks.
fails() {
    pattern=$1
    fault=$2
    shift 2
    for ranks in 2 4; do
        rm -rf "$work/run" "$STATUSES"
        mkdir "$STATUSES"
        begin=$(date +%s)
        status=0
        LOCKSTEP_FAULT=$fault run_mpi $ranks "$work/noting" "$LOCKSTEP_FAULTY" train "$recipe" --run "$work/run" --threads 1 \
            --set training.epochs=2 "$@" >"$work/out" 2>&1 || status=$?
        seconds=$(($(date +%s) - begin))
        [ "$status" != 0 ] || { cat "$work/out"; die "$fault: exit status 0"; }
        [ "$status" != 124 ] || die "$fault: hangs"
        grep -q "$pattern" "$work/out" || { cat "$work/out"; die "$fault: no message with '$pattern'"; }
        count=$(grep -c "^lockstep: " "$work/out" || true)
        [ "$count" = 1 ] || { cat "$work/out"; die "$fault: $count messages instead of one"; }
        [ ! -e "$work/run/model.safetensors" ] || die "$fault: there is a model"
        expect_all_failed "$fault" $ranks $seconds
        left=$(find "$work" -name '*.tmp*' -o -name '*.part*' | wc -l)
        [ "$left" = 0 ] || die "$fault: temporary files are left"
        ok "$fault on $ranks ranks: status $status after $seconds s"
    done
}

fails "rank 1.*cannot open" "open:rank=1:nth=2"
fails "rank 1.*digits.csv.gz.*ended after" "read:rank=1:nth=3"
fails "rank 1.*memory" "memory:rank=1:nth=200"
fails "memory" "memory:rank=0:nth=220"
fails "write" "write:rank=0:nth=3"
fails "infinity or NaN in the input" "overflow:rank=1:nth=3"
fails "rank 1.*differ.*output" "flip:rank=1:nth=1" --set model.1.name=output
fails "differ" "flip:rank=0:nth=2"

# one_rank_differs WHAT PATTERN SED: rank 1 of 2 has a recipe of its own, no faults are injected.
one_rank_differs() {
    sed 's#\.\./datasets#'"$top"'/datasets#' "$recipe" >"$work/one.yaml"
    sed "$3" "$work/one.yaml" >"$work/other.yaml"
    cmp -s "$work/one.yaml" "$work/other.yaml" && die "$3 changes nothing"
    rm -rf "$STATUSES"
    mkdir "$STATUSES"
    begin=$(date +%s)
    status=0
    run_mpi_mixed "$work/noting" "$LOCKSTEP train $work/one.yaml --run $work/mixed --threads 1" \
        "$LOCKSTEP train $work/other.yaml --run $work/mixed --threads 1" >"$work/out" 2>&1 || status=$?
    seconds=$(($(date +%s) - begin))
    [ "$status" != 0 ] || die "$1: accepted"
    grep -q "$2" "$work/out" || { cat "$work/out"; die "$1: no message with '$2'"; }
    [ "$(grep -c '^lockstep: ' "$work/out")" = 1 ] || { cat "$work/out"; die "$1: not one message"; }
    [ ! -e "$work/mixed" ] || die "$1: a run directory was made"
    expect_all_failed "$1" 2 $seconds
    ok "$1 on one rank: status $status after $seconds s"
}

one_rank_differs "another seed" "recipes of the ranks.*rank 1" 's/^seed:.*/seed: 99/'
one_rank_differs "a mistake in the recipe" "rank 1.*other.yaml:.*lr" 's/lr: 0.2/lr: -1/'
one_rank_differs "a data file that is not there" "rank 1.*nothing.csv" 's#train: .*#train: '"$work"'/nothing.csv#'
gzip -dc "$top/datasets/digits.csv.gz" >"$work/digits.csv"
sed '2s/^[0-9]*/3/' "$work/digits.csv" >"$work/changed.csv"
one_rank_differs "another number in the data" "data of the ranks.*rank 1" 's#train: .*#train: '"$work"'/changed.csv#'
size=$(wc -c <"$top/datasets/digits.csv.gz")
head -c $((size / 2)) "$top/datasets/digits.csv.gz" >"$work/short.csv.gz"
one_rank_differs "a data file cut short" "rank 1.*short.csv.gz" 's#train: .*#train: '"$work"'/short.csv.gz#'
