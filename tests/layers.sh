#!/bin/sh
# The structure of the tree holds, and the check that says so can fail: violations planted in a copy are found.
set -u
work=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-layers.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 99' HUP INT TERM
failures=0

"$srcdir/scripts/check-layers" "$srcdir" || { echo "FAIL: the tree itself"; failures=1; }

# expect TEXT FILE LINES...: the check must complain with TEXT once FILE holds LINES.
expect() {
    wanted=$1
    file=$work/tree/$2
    shift 2
    mkdir -p "$(dirname "$file")"
    present=no
    [ -f "$file" ] && present=yes && cp "$file" "$work/saved"
    printf '%s\n' "$@" >>"$file"
    if "$srcdir/scripts/check-layers" "$work/tree" >"$work/out"; then
        echo "FAIL: not noticed: $wanted"
        failures=1
    elif ! grep -qF -- "$wanted" "$work/out"; then
        echo "FAIL: expected \"$wanted\", got:"
        cat "$work/out"
        failures=1
    fi
    rm -f "$file"
    [ "$present" = yes ] && cp "$work/saved" "$file"
    return 0
}

mkdir "$work/tree"
for part in src include tests examples bench recipes docs man scripts datasets .ci Makefile.am configure.ac; do
    [ -e "$srcdir/$part" ] && cp -R "$srcdir/$part" "$work/tree/"
done
chmod -R u+w "$work/tree"

header=src/base/error.h
expect 'must not include "nn/model.h" from above' src/math/kernels.h '#include "nn/model.h"'
expect 'must not include "train/step.h" from above' src/io/recipe.h '#include "train/step.h"'
expect 'write includes as "layer/file.h"' $header '#include "log.h"'
expect 'the command uses only the public headers' src/cli/main.c '#include "base/error.h"'
expect 'public headers include <lockstep/...> only' include/lockstep/recipe.h '#include "base/error.h"'
expect 'mpi.h belongs to src/parallel' $header '#include <mpi.h>'
expect 'lockstep/mpi.h belongs to' src/io/recipe.h '#include <lockstep/mpi.h>'
expect 'OpenMP pragmas belong to' src/nn/layer.h '#pragma omp parallel'
expect 'MPI_COMM_WORLD belongs to main' src/parallel/comm.h 'int world(void) { return f(MPI_COMM_WORLD); }'
expect 'only main may abort MPI' src/parallel/comm.h 'void stop(void) { MPI_Abort(comm, 1); }'
expect 'the library never exits' $header 'void stop(void) { exit(1); }'
expect 'the library never exits' $header 'void say(void) { printf("x"); }'
expect 'memory comes from base/memory.h' src/nn/layer.h 'void *get(void) { return malloc(8); }'
expect 'left open' $header "/* TO""DO: later */"
expect 'not listed in src/sources.am' src/base/forgotten.c 'int ls_forgotten;'
expect 'not listed in src/sources.am' recipes/forgotten.yaml 'seed: 1'
expect 'is not a layer' src/extra/extra.c 'int ls_extra;'
expect 'at most 500 are allowed' $header "$(awk 'BEGIN { for (i = 0; i < 501; i++) print "extern int x;" }')"
expect 'at most 60 are allowed' $header 'int f(int x)' '{' \
    "$(awk 'BEGIN { for (i = 0; i < 58; i++) print "    x++;" }')" '}'

exit $failures
