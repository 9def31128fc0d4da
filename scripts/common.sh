# Read by the scripts beside it: where the tree is, where it is built, and how to say things.
# POSIX sh; expects $0 to be one of those scripts.

top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
umask 022

say() {
    printf '%s\n' "$*"
}

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# Neither configure nor libtool works in a place with blanks or quotes in its name: there a link without them, in a
# directory of this user's own, stands for the tree.
avoid_unsafe_names() {
    case $top in
    *[!A-Za-z0-9_./,:=@%+~-]*) ;;
    *) return 0 ;;
    esac
    alias=${TMPDIR:-/tmp}/lockstep-tree-$(id -u)-$(printf '%s' "$top" | cksum | cut -d ' ' -f 1)
    mkdir -p -m 700 "$alias" && [ -O "$alias" ] && ln -sfn "$top" "$alias/tree" ||
        fail "the name of $top has characters that configure does not take, and $alias/tree cannot stand for it"
    top=$alias/tree
}

cores() {
    nproc 2>/dev/null || echo 1
}

avoid_unsafe_names

# Builds go to build/ in the tree. Where that cannot be written (a read-only tree, or one that belongs to
# another user), to a directory of this user's own. LOCKSTEP_BUILD overrides both.
choose_build() {
    if [ -n "${LOCKSTEP_BUILD:-}" ]; then
        build=$LOCKSTEP_BUILD
        mkdir -p "$build" || fail "cannot make the directory $build (LOCKSTEP_BUILD)"
        build=$(cd "$build" && pwd)
        return
    fi
    build=$top/build
    mkdir -p "$build" 2>/dev/null || true
    if [ -d "$build" ] && [ -w "$build" ] && { [ ! -e "$build/Makefile" ] || [ -w "$build/Makefile" ]; }; then
        return
    fi
    build=${TMPDIR:-/tmp}/lockstep-build-$(id -u)-$(printf '%s' "$top" | cksum | cut -d ' ' -f 1)
    mkdir -p -m 700 "$build" || fail "cannot make the directory $build; set LOCKSTEP_BUILD to one that can be written"
    [ -O "$build" ] || fail "$build belongs to another user; set LOCKSTEP_BUILD to a directory of your own"
}

# Open MPI refuses root, more ranks than cores, binds each rank to one core, and polls without pause, unless told
# otherwise.
prepare_mpi() {
    OMPI_ALLOW_RUN_AS_ROOT=1
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    OMPI_MCA_rmaps_base_oversubscribe=1
    OMPI_MCA_hwloc_base_binding_policy=none
    OMPI_MCA_btl_vader_single_copy_mechanism=none
    OMPI_MCA_mpi_yield_when_idle=1
    export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM OMPI_MCA_rmaps_base_oversubscribe \
        OMPI_MCA_hwloc_base_binding_policy OMPI_MCA_btl_vader_single_copy_mechanism OMPI_MCA_mpi_yield_when_idle
}
