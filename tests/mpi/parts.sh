#!/bin/sh
# Every layer, loss, activation and optimiser of the registries gives the same bits on every layout, and no step gets memory.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
need_mpirun
: "${LOCKSTEP_MPI_PARTS:?set it to the path of tests/mpi_parts}"
LOCKSTEP_ALL_THREADS=1
export LOCKSTEP_ALL_THREADS
time_limit=600 # only so that a hang ends; slow machines may take their time

run_mpi 1 "$LOCKSTEP_MPI_PARTS" 1 >"$work/reference" || { cat "$work/reference"; die "on one rank"; }
# on_layouts LAYOUTS HOW
on_layouts() {
    for layout in $1; do
        run_mpi "${layout%x*}" "$LOCKSTEP_MPI_PARTS" "${layout#*x}" >"$work/$layout" ||
            { cat "$work/$layout"; die "$layout ranks x threads, $2"; }
        diff "$work/reference" "$work/$layout" || die "other bits on $layout ranks x threads, $2"
        ok "$(wc -l <"$work/$layout") parts, $layout ranks x threads, $2"
    done
}
on_layouts "1x3 2x3 3x1 4x1 1x16 4x4" "in shared memory" # 16: many more than cores on small machines
LOCKSTEP_MESSAGES=1
export LOCKSTEP_MESSAGES
on_layouts "2x3 3x1" "by messages"

# The comparison can fail: the parts differ among each other, and other weights give other hashes.
[ "$(sed 's/.* //' "$work/reference" | sort -u | wc -l)" -gt 10 ] || die "all hashes are alike"
ok "the control: the hashes of the parts differ"
