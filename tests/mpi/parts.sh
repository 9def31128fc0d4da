#!/bin/sh
# Every layer, loss, activation and optimiser of the registries gives the same bits on every layout.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
need_mpirun
: "${LOCKSTEP_MPI_PARTS:?set it to the path of tests/mpi_parts}"
LOCKSTEP_ALL_THREADS=1
export LOCKSTEP_ALL_THREADS
time_limit=600 # only so that a hang ends; slow machines may take their time

run_mpi 1 "$LOCKSTEP_MPI_PARTS" 1 >"$work/reference" || { cat "$work/reference"; die "on one rank"; }
for layout in 1x3 2x2 3x1 4x1; do
    run_mpi "${layout%x*}" "$LOCKSTEP_MPI_PARTS" "${layout#*x}" >"$work/$layout" ||
        { cat "$work/$layout"; die "$layout ranks x threads"; }
    diff "$work/reference" "$work/$layout" || die "other bits on $layout ranks x threads"
    ok "$(wc -l <"$work/$layout") parts, $layout ranks x threads"
done

# The comparison can fail: the parts differ among each other, and other weights give other hashes.
[ "$(sed 's/.* //' "$work/reference" | sort -u | wc -l)" -gt 10 ] || die "all hashes are alike"
ok "the control: the hashes of the parts differ"
