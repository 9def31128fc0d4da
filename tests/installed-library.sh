#!/bin/sh
# Builds a program against the installed library, as a user would, and runs it alone and on three ranks.
# Usage: installed-library.sh PROGRAM.c, with CC, CFLAGS, PKG_CONFIG, PKG_CONFIG_PATH, LIBRARY_DIRECTORY, COMMAND
# and LOCKSTEP_MPIRUN set by "make installcheck".
set -eu
source=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-installed.XXXXXX")
trap 'rm -rf "$work"' EXIT

flags=$($PKG_CONFIG --cflags lockstep)
libs=$($PKG_CONFIG --libs lockstep)
echo "$CC $flags $(basename "$source") $libs -lm"
$CC $CFLAGS $flags "$source" -o "$work/program" $libs -lm

LD_LIBRARY_PATH=$LIBRARY_DIRECTORY${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
OMPI_ALLOW_RUN_AS_ROOT=1
OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
OMPI_MCA_rmaps_base_oversubscribe=1
OMPI_MCA_hwloc_base_binding_policy=none
OMPI_MCA_btl_vader_single_copy_mechanism=none
export LD_LIBRARY_PATH OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM OMPI_MCA_rmaps_base_oversubscribe \
    OMPI_MCA_hwloc_base_binding_policy OMPI_MCA_btl_vader_single_copy_mechanism

"$COMMAND" --version

# With other threads the numbers must be the same, to the last digit of the hash that the program prints.
try() {
    name=$1
    shift
    for threads in 1 2; do
        mkdir "$work/$name-$threads"
        timeout 120 "$@" "$work/program" $threads "$work/$name-$threads" >"$work/$name-$threads.out"
    done
    cat "$work/$name-1.out"
    diff "$work/$name-1.out" "$work/$name-2.out"
    cmp "$work/$name-1/wave.safetensors" "$work/$name-2/wave.safetensors"
    [ -s "$work/$name-1/wave-checkpoint.safetensors" ]
}

echo "one process:"
try alone env
launcher=${LOCKSTEP_MPIRUN%% *}
if command -v "$launcher" >/dev/null 2>&1; then
    echo "three ranks:"
    try ranks $LOCKSTEP_MPIRUN -n 3
else
    echo "no $launcher here: the example was not run on several ranks"
fi
echo "The installed library works."
