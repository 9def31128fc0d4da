#!/bin/sh
# The command under srun and sbatch, with a Slurm of four nodes that this script starts on this machine and stops at its end:
# bits, batch scripts as printed, signals, lost ranks, and srun without --mpi. As root, with Debian's slurmctld, slurmd,
# slurm-client and munge; "make check-cluster" runs it. It takes a minute or two, so "make check" does without it.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"

PATH=$PATH:/usr/sbin:/sbin
export PATH
[ "$(id -u)" = 0 ] || skip "only root can start the daemons of Slurm"
for program in munged slurmctld slurmd srun sbatch scancel scontrol sinfo unshare bash; do
    command -v $program >/dev/null 2>&1 || skip "there is no $program"
done
unshare --uts --mount true 2>/dev/null || skip "no namespaces of host names and mounts can be made here"

case ${LOCKSTEP_MPI:-Open MPI} in
MPICH) way=pmi2 wrong=pmix epochs=25 ;; # its ranks never leave a core to others
*) way=pmix wrong=pmi2 epochs=100 ;;
esac

# ---- Slurm: nodes n1 to n4, each with a host name of its own, so that MPI takes them for hosts.

slurm=$work/slurm
mkdir -p "$slurm/state" "$slurm/key" "$slurm/run"
chmod 700 "$slurm/key"
chmod 711 "$work" # for munged
head -c 128 /dev/urandom >"$slurm/key/key"
chmod 600 "$slurm/key/key"
printf '127.0.0.1 localhost %s n1 n2 n3 n4\n' "$(hostname)" >"$slurm/hosts"
port=$((20000 + $$ % 10000))
cat >"$slurm/slurm.conf" <<END
ClusterName=lockstep
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmctldPort=$port
SrunPortRange=$((port + 10))-$((port + 90))
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/munge
AuthInfo=socket=$slurm/run/munge.socket,cred_expire=5
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$slurm/state
SlurmdSpoolDir=$slurm/spool-%n
SlurmctldPidFile=$slurm/run/slurmctld.pid
SlurmdPidFile=$slurm/run/slurmd-%n.pid
SlurmctldLogFile=$slurm/slurmctld.log
SlurmdLogFile=$slurm/slurmd-%n.log
TmpFS=$slurm/tmp-%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=1
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
KillWait=5
SlurmdParameters=config_overrides
NodeName=n[1-4] NodeHostname=$(hostname) NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + 4))] CPUs=64 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
SLURM_CONF=$slurm/slurm.conf
export SLURM_CONF

stop_slurm() {
    for daemon in slurmd-n1 slurmd-n2 slurmd-n3 slurmd-n4 slurmctld munged; do
        [ -s "$slurm/run/$daemon.pid" ] || continue
        process=$(cat "$slurm/run/$daemon.pid")
        kill "$process" 2>/dev/null || continue
        wait_for 10 sh -c "! kill -0 $process"
    done
}
stop_all() {
    scancel -u root 2>/dev/null || true
    stop_slurm
    clean_up
}
trap stop_all EXIT

start_slurm() {
    munged --num-threads=2 --key-file="$slurm/key/key" --socket="$slurm/run/munge.socket" \
        --pid-file="$slurm/run/munged.pid" --log-file="$slurm/munged.log" --seed-file="$slurm/key/seed" || return 1
    slurmctld -f "$SLURM_CONF" || return 1
    for node in n1 n2 n3 n4; do
        mkdir -p "$slurm/spool-$node" "$slurm/tmp-$node"
        unshare --uts --mount sh -c "mount --bind '$slurm/hosts' /etc/hosts && hostname $node &&
            exec slurmd -N $node -f '$SLURM_CONF'" || return 1
    done
    wait_for 10 sh -c '[ "$(sinfo -h -o %T | sort -u)" = idle ]'
}
start_slurm >"$slurm/start.log" 2>&1 || { cat "$slurm/start.log"; die "Slurm does not start"; }
srun --mpi=list 2>&1 | grep -q "$way" || skip "this Slurm has no --mpi=$way"
ok "Slurm: $(srun --version), $(sinfo -h -o %D) nodes"

# ---- What is trained. Nodes share cores here, so ranks that wait must leave them to others.

OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_mpi_yield_when_idle
PATH=$(dirname "$LOCKSTEP"):$PATH
mkdir "$work/jobs"
cd "$work/jobs"
sed "s#\.\./datasets#$top/datasets#; /^ *schedule:/d; s/epochs: .*/epochs: $epochs/" "$top/recipes/digits.yaml" >long.yaml
sed 's/epochs: .*/epochs: 4/' long.yaml >recipe.yaml
expect_match 'epochs: 4$' recipe.yaml
lockstep train recipe.yaml --run short --quiet
lockstep train long.yaml --run whole --quiet

same() {
    cmp "$1/model.safetensors" "$2/model.safetensors" || die "$3: other bits"
}

# step OPTIONS -- ARGUMENTS...: lockstep under srun.
step() {
    options=
    while [ "$1" != -- ]; do options="$options $1" && shift; done
    shift
    timeout -k 5 120 srun --mpi=$way $options lockstep "$@"
}

for layout in "-n 1" "-n 2" "-n 3" "-n 4" "-N 2" "-N 2 -n 3" "-N 4" "-N 2 -n 4 -c 2"; do
    expect_status 0 step $layout -- train recipe.yaml --run layout --overwrite --quiet
    same short layout "srun $layout"
done
ok "srun on eight layouts of 1 to 4 ranks on 1 to 4 nodes gives the bits of one process"

expect_status 0 step -N 2 -n 3 -- doctor
expect_match '^layout  *3 ranks on 2 nodes, started by an MPI launcher' "$output"
expect_match '^rank 2  *host n2, .* may use core' "$output"
expect_status 0 step -N 1 -n 2 -- doctor --threads 64
expect_match "^warning: .*srun --mpi=$way -n" "$output"
ok "doctor sees ranks and nodes and prints the corrected line"

# ---- The batch scripts as printed.

state_of() {
    scontrol show job "$1" | sed -n 's/.*JobState=\([A-Z]*\).*/\1/p'
}
is_over() {
    case $(state_of "$1") in COMPLETED | FAILED | CANCELLED | TIMEOUT | NODE_FAIL) return 0 ;; esac
    return 1
}
printed() {
    awk '/^    #!\/bin\/bash/ { on = 1 } on && !/^    / { exit } on { print substr($0, 5) }' "$top/$1" |
        sed "s/--mpi=pmix/--mpi=$way/"
}
for page in README.md docs/clusters.md; do
    printed $page >batch.sh
    rm -rf runs
    job=$(sbatch --parsable -o batch.out batch.sh)
    wait_for 120 is_over "$job"
    [ "$(state_of "$job")" = COMPLETED ] || { cat batch.out; die "$page: the job's state is $(state_of "$job")"; }
    same short runs/big "the batch script of $page"
done
ok "the batch scripts of README.md and docs/clusters.md run as printed"

# ---- Signals. A job is stopped, put back and ends; another is cancelled.

sed 's/recipe.yaml/long.yaml/' batch.sh >long.sh
# says FILE TEXT: waits until the file has it.
says() {
    (wait_for 60 grep -q "$2" "$1") && return
    cat "$1"
    exit 1
}
has_begun() {
    grep -q '"epoch":' "$1/metrics.jsonl"
}
rm -rf runs
job=$(sbatch --parsable --nodes=2 -o put-back.out long.sh)
wait_for 60 has_begun runs/big
scancel --signal=USR1 "$job"
says put-back.out 'stopped on request'
wait_for 120 is_over "$job"
[ "$(state_of "$job")" = COMPLETED ] || { cat put-back.out; die "a job that was put back: $(state_of "$job")"; }
expect_match 'resuming after step' put-back.out
scontrol show job "$job" >job
expect_match 'Restarts=1' job
same whole runs/big "stopped by SIGUSR1 and put back"
ok "SIGUSR1 stops a job of 4 ranks with a checkpoint, it is put back and gives the same bits"

rm -rf runs
job=$(sbatch --parsable --nodes=2 -o cancelled.out long.sh)
wait_for 60 has_begun runs/big
scancel "$job"
wait_for 60 is_over "$job"
[ "$(state_of "$job")" = CANCELLED ] || die "a cancelled job: $(state_of "$job")"
says cancelled.out 'stopped on request'
expect_status 0 step -n 1 -- train long.yaml --run runs/big --resume --quiet
same whole runs/big "cancelled and resumed"
ok "scancel leaves a checkpoint, and one rank goes on from there with the same bits"

# mpirun in a batch script, which passes the signal on.
if [ "$way" = pmix ]; then
    {
        printf '#!/bin/bash\n#SBATCH --nodes=2 --ntasks-per-node=1\n'
        sed -n '/^    mpirun .*--resume &$/,/^    wait/s/^    //p' "$top/docs/clusters.md" |
            sed "s#^mpirun#$mpirun#; s/recipe.yaml/long.yaml/"
    } >passed.sh
    expect_lines 5 passed.sh
    rm -rf runs
    job=$(sbatch --parsable -o passed.out passed.sh)
    wait_for 60 has_begun runs/big
    scancel --batch --signal=USR1 "$job"
    wait_for 60 is_over "$job"
    says passed.out 'stopped on request'
    scontrol show job "$job" >job
    expect_match 'ExitCode=75:0' job
    expect_status 0 step -n 2 -- train long.yaml --run runs/big --resume --quiet
    same whole runs/big "mpirun stopped by SIGUSR1 and resumed"
    ok "a batch script with mpirun passes SIGUSR1 on and ends with status 75"
fi

# ---- A rank is killed, alone on its node.

timeout 100 srun --mpi=$way -N 2 --kill-on-bad-exit=1 lockstep train long.yaml --run killed --quiet \
    --set training.checkpoint.every_steps=50 >killed.out 2>&1 &
step=$!
background=$step
killed_checkpoint() {
    ls killed/checkpoints | grep -q step-
}
wait_for 60 killed_checkpoint
victim=
for process in /proc/[0-9]*; do
    [ "$(cat "$process/comm" 2>/dev/null)" = lockstep ] || continue
    tr '\0' '\n' <"$process/environ" 2>/dev/null | grep -q "^SLURM_CONF=$SLURM_CONF\$" || continue
    tr '\0' '\n' <"$process/environ" | grep -q '^SLURM_PROCID=1$' && victim=${process#/proc/}
done
[ -n "$victim" ] || die "the second rank was not found"
begin=$(date +%s)
kill -9 "$victim"
status=0
wait $step || status=$?
background=
[ "$status" != 0 ] || die "srun ended with status 0 after a rank was killed"
seconds=$(($(date +%s) - begin))
[ "$seconds" -le 30 ] || die "it took $seconds s to end the job of a killed rank"
[ ! -e killed/model.safetensors ] || die "a killed job wrote a model"
expect_status 0 step -N 3 -- train long.yaml --run killed --quiet --resume --set training.checkpoint.every_steps=50
same whole killed "killed and resumed on three nodes"
ok "a killed rank ended the job after $seconds s, and three ranks went on with the same bits"

# ---- srun without --mpi, and with the wrong one.

status=0
timeout 60 srun -n 3 lockstep train long.yaml --run mistake >mistake.out 2>&1 || status=$?
[ "$status" = 1 ] || { cat mistake.out; die "srun without --mpi: status $status, expected 1"; }
[ "$(grep -c "^warning: srun started 3 processes .* srun --mpi=$way -n 3" mistake.out)" = 3 ] || {
    cat mistake.out
    die "not all tasks of an srun without --mpi warn"
}
[ "$(grep -c '^done:' mistake.out)" = 1 ] || die "not one task of an srun without --mpi trained"
same whole mistake "srun without --mpi"
status=0
timeout 60 srun --mpi=$wrong -n 2 lockstep train recipe.yaml --run wrong >wrong.out 2>&1 || status=$?
[ "$status" != 0 ] || die "srun --mpi=$wrong: status 0"
[ ! -e wrong ] || die "srun --mpi=$wrong wrote a run directory"
ok "srun without --mpi warns, one task trains and nothing is damaged; with --mpi=$wrong nothing begins"
