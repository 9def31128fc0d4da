#!/bin/sh
# The command under mpirun over several hosts, which are network namespaces of this machine with names of their own and
# nothing but TCP between them: bits, processors and builds that differ, files that are missing on one host, hosts that are
# lost. As root and with Open MPI; "make check-cluster" runs it.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"

PATH=$PATH:/usr/sbin:/sbin
export PATH
[ "${LOCKSTEP_MPI:-Open MPI}" = "Open MPI" ] || skip "the launch agent is for Open MPI"
[ "$(id -u)" = 0 ] || skip "only root can make hosts"
for program in ip unshare "$mpirun"; do
    command -v "$program" >/dev/null 2>&1 || skip "there is no $program"
done

# ---- Three hosts and a bridge between them.

space=lockstep$$
remove_hosts() {
    for name in a b c bridge; do
        for process in $(ip netns pids "$space-$name" 2>/dev/null); do kill -9 "$process" 2>/dev/null || true; done
        ip netns del "$space-$name" 2>/dev/null || true
    done
}
stop_all() {
    remove_hosts
    clean_up
}
trap stop_all EXIT

make_hosts() {
    ip netns add "$space-bridge" && ip -n "$space-bridge" link add br0 type bridge &&
        ip -n "$space-bridge" link set br0 up || return 1
    number=0
    for name in a b c; do
        number=$((number + 1))
        ip netns add "$space-$name" &&
            ip -n "$space-$name" link set lo up &&
            ip link add eth0 netns "$space-$name" type veth peer name "to-$name" netns "$space-bridge" &&
            ip -n "$space-bridge" link set "to-$name" master br0 up &&
            ip -n "$space-$name" addr add "10.213.7.$number/24" dev eth0 &&
            ip -n "$space-$name" link set eth0 up || return 1
    done
}
make_hosts 2>"$work/hosts.log" || skip "no hosts can be made here: $(tail -n 1 "$work/hosts.log")"

# In place of ssh: agent [-x] HOST COMMAND...
cat >"$work/agent" <<END
#!/bin/sh
while [ "\${1#-}" != "\$1" ]; do shift; done
host=\$1
shift
exec ip netns exec "$space-\$host" unshare --uts sh -c 'hostname "\$0" && eval "\$1"' "\$host" "\$*"
END

# What a rank runs: on host b as ON_B wants it, "COMMAND..." in front of the command's arguments.
cat >"$work/rank" <<END
#!/bin/sh
[ "\$(hostname)" != b ] || [ -z "\${ON_B:-}" ] || exec \$ON_B "\$@"
exec "$LOCKSTEP" "\$@"
END
chmod +x "$work/agent" "$work/rank"

# over HOSTS RANKS ARGUMENTS...: lockstep over hosts, "a:1,b:2"; $mca holds more options of mpirun.
mca=
over() {
    over_hosts=$1 over_ranks=$2
    shift 2
    timeout -k 5 120 ip netns exec "$space-a" unshare --uts sh -c 'hostname a && exec "$@"' sh \
        "$mpirun" --host "$over_hosts" --bind-to none --mca plm rsh --mca plm_rsh_agent "$work/agent" \
        --mca oob_tcp_if_include 10.213.7.0/24 --mca btl tcp,self --mca btl_tcp_if_include 10.213.7.0/24 \
        --mca mpi_yield_when_idle 1 -x ON_B $mca -n "$over_ranks" "$work/rank" "$@"
}
ON_B=
export ON_B

cd "$work"
mkdir data
cp "$top/datasets/digits.csv.gz" data
sed "s#\.\./datasets#$work/data#; /^ *schedule:/d; s/epochs: .*/epochs: 100/" "$top/recipes/digits.yaml" >long.yaml
sed 's/epochs: .*/epochs: 4/' long.yaml >short.yaml
sed "s#\.\./datasets#$top/datasets#; s/epochs: .*/epochs: 200/" "$top/recipes/xor.yaml" >xor.yaml
for recipe in short long xor; do "$LOCKSTEP" train $recipe.yaml --run whole-$recipe --quiet --threads 1; done

same() {
    cmp "whole-$1/model.safetensors" "$2/model.safetensors" || die "$3: other bits"
}

# ---- The same bits.

for recipe in short xor; do
    for layout in "a:1,b:1 2" "a:2,b:1 3" "a:1,b:1,c:1 3" "a:1,b:2,c:1 4"; do
        expect_status 0 over $layout train $recipe.yaml --threads 1 --run layout --overwrite --quiet
        same $recipe layout "$recipe over $layout"
    done
done
ok "2 to 4 ranks over 2 and 3 hosts give the bits of one process"

expect_status 0 over a:1,b:2 3 doctor
expect_match '^layout  *3 ranks on 2 nodes' "$output"
expect_match '^rank 2  *host b' "$output"
for set in generic avx2; do
    ON_B="env LOCKSTEP_ISA=$set $LOCKSTEP"
    "$work/rank" --version >/dev/null || die "the command does not run with LOCKSTEP_ISA=$set"
    expect_status 0 over a:1,b:1 2 train short.yaml --threads 1 --run layout --overwrite --quiet
    same short layout "host b with the instruction set $set"
done
ok "a host with another instruction set gives the same bits"

# ---- Errors of one host are errors of all, soon, and name it.

# refused PATTERN ARGUMENTS...: status 1, soon, nothing written.
refused() {
    pattern=$1
    shift
    begin=$(date +%s)
    expect_status 1 over a:1,b:1 2 "$@" --run none --quiet
    [ $(($(date +%s) - begin)) -le 10 ] || die "it took $(($(date +%s) - begin)) s to refuse: $*"
    expect_match "$pattern" "$output"
    [ ! -e none ] || die "a run that was refused has left its directory"
}
LC_ALL=C sed 's/lockstep numerics/lockstep numbered/' "$LOCKSTEP" >other
chmod +x other
ON_B=$work/other
refused '^lockstep: rank 1 (host b) computes with .*numbered.*rank 0 (host a) with' train short.yaml --threads 1
cat >hide <<END
#!/bin/sh
exec unshare --mount sh -c 'mount -t tmpfs none "$work/data" && exec "$LOCKSTEP" "\$@"' sh "\$@"
END
chmod +x hide
ON_B=$work/hide
refused '^lockstep: rank 1 (host b): .*short.yaml:[0-9:]* cannot open .*digits.csv.gz' train short.yaml --threads 1
ON_B=
ok "another build and a missing file on one host are refused by all and name the host"

# ---- A host is lost: its processes, then its network.

crash() {
    for process in $(ip netns pids "$space-b"); do kill -9 "$process" 2>/dev/null || true; done
}
cut_off() {
    ip -n "$space-b" link set eth0 down
}
for loss in crash cut_off; do
    mca=
    [ $loss = crash ] || mca="--mca oob_tcp_keepalive_time 2 --mca oob_tcp_keepalive_intvl 1 --mca oob_tcp_keepalive_probes 3"
    rm -rf lost
    over a:1,b:1 2 train long.yaml --threads 1 --run lost --quiet --set training.checkpoint.every_steps=50 >lost.out 2>&1 &
    job=$!
    background=$job
    wait_for 60 sh -c 'ls lost/checkpoints | grep -q step-'
    begin=$(date +%s)
    $loss
    status=0
    wait $job || status=$?
    background=
    seconds=$(($(date +%s) - begin))
    [ "$status" != 0 ] && [ "$status" != 124 ] || { cat lost.out; die "$loss of a host: status $status"; }
    [ "$seconds" -le 30 ] || die "$loss of a host: the job took $seconds s to end"
    [ ! -e lost/model.safetensors ] || die "$loss of a host: a model was written"
    mca=
    expect_status 0 over a:2,c:1 3 train long.yaml --threads 1 --run lost --quiet --resume \
        --set training.checkpoint.every_steps=50
    same long lost "$loss of a host, resumed on others"
    ok "$loss of a host ended the job after $seconds s, and others went on with the same bits"
done
