# Read by the scripts of tests/cli and tests/mpi: where things are, and checks that say what they checked.
# POSIX sh. The environment gives LOCKSTEP, LOCKSTEP_FAULTY, LOCKSTEP_MPIRUN and srcdir.

top=$(cd "${srcdir:-.}" && pwd) || exit 99
: "${LOCKSTEP:?set it to the path of the command}"
work=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-test.XXXXXX") || exit 99
output=$work/output
background=

# Processes that a script left in the background must not outlive it.
clean_up() {
    for process in $background; do kill -9 "$process" 2>/dev/null || true; done
    chmod -R u+w "$work" 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 99' HUP INT TERM

OMPI_ALLOW_RUN_AS_ROOT=1
OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
OMPI_MCA_rmaps_base_oversubscribe=1
OMPI_MCA_btl_vader_single_copy_mechanism=none
# Most layouts have more threads than a small machine has cores: those that wait had better sleep.
OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM OMPI_MCA_rmaps_base_oversubscribe \
    OMPI_MCA_btl_vader_single_copy_mechanism OMP_WAIT_POLICY

die() {
    printf 'FAIL: %s\n' "$*"
    exit 1
}

skip() {
    printf 'SKIP: %s\n' "$*"
    exit 77
}

ok() {
    printf 'ok: %s\n' "$*"
}

mpirun=${LOCKSTEP_MPIRUN:-mpirun} # a program, perhaps with options: it is split into words

# The two families of launchers spell the same wishes differently.
if $mpirun --version 2>/dev/null | grep -qi 'open mpi\|openrte\|prrte'; then
    mpirun_options="--oversubscribe --bind-to none"
else
    mpirun_options=
fi

need_mpirun() {
    command -v "${mpirun%% *}" >/dev/null 2>&1 || skip "there is no ${mpirun%% *}"
}

# run_mpi RANKS COMMAND...: the time limit only ends what hangs; crowded machines may take their time.
run_mpi() {
    run_ranks=$1
    shift
    timeout -k 5 "${time_limit:-300}" $mpirun $mpirun_options -n "$run_ranks" "$@"
}

# run_mpi_mixed COMMAND "ARGS1" "ARGS2": two ranks with arguments of their own, without blanks within them.
run_mpi_mixed() {
    timeout -k 5 "${time_limit:-300}" $mpirun $mpirun_options -n 1 "$1" $2 : -n 1 "$1" $3
}

# expect_status STATUS COMMAND...: what it prints is in the file $output.
expect_status() {
    wanted=$1
    shift
    got=0
    "$@" >"$output" 2>&1 </dev/null || got=$?
    [ "$got" = "$wanted" ] && return
    cat "$output"
    die "exit status $got, expected $wanted: $*"
}

# expect_match PATTERN FILE (a basic regular expression)
expect_match() {
    grep -q -e "$1" "$2" && return
    cat "$2"
    die "no line matches '$1'"
}

# expect_no_match PATTERN FILE
expect_no_match() {
    grep -q -e "$1" "$2" || return 0
    cat "$2"
    die "a line matches '$1'"
}

# expect_lines NUMBER FILE
expect_lines() {
    [ "$(wc -l <"$2")" -eq "$1" ] && return
    cat "$2"
    die "$(wc -l <"$2") lines, expected $1"
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
    left=$(($1 * 20))
    shift
    until "$@" 2>/dev/null; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || die "waited in vain for: $*"
        sleep 0.05
    done
}
