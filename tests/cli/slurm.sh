#!/bin/sh
# What Slurm's variables make of the command, and the batch scripts of README.md and docs/clusters.md with a stand-in for
# srun. Needs no Slurm; tests/cluster/slurm.sh does the same with the real one.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
need_mpirun
cd "$work"

recipe=$top/recipes/iris.yaml
case ${LOCKSTEP_MPI:-Open MPI} in
MPICH) way=pmi2 ;;
*) way=pmix ;;
esac

# task RANK ARGUMENTS...: as srun without --mpi starts one of three tasks.
task() {
    task_rank=$1
    shift
    env SLURM_PROCID="$task_rank" SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=3 SLURM_NTASKS=3 "$LOCKSTEP" "$@"
}

# Three processes that do not know of each other, one run directory: one trains, the others say why they do not.
"$LOCKSTEP" train "$recipe" --threads 1 --run alone --quiet --set training.epochs=40
SLURM_PROCID=0 SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=3 "$LOCKSTEP" train "$recipe" --threads 1 --run shared \
    --set training.epochs=1000000000 --set training.report=1000000 >first 2>&1 &
first=$!
background=$first
wait_for 20 test -e shared/metrics.jsonl
for rank in 1 2; do
    for words in "" --quiet --resume "--overwrite --quiet"; do
        expect_status 1 task $rank train "$recipe" --threads 1 --run shared $words
        expect_match "^warning: srun started 3 processes .*: use srun --mpi=$way -n 3 lockstep" "$output"
        expect_match "^lockstep: shared is in use by process $first" "$output"
    done
done
kill -TERM $first
status=0
wait $first || status=$?
background=
[ "$status" = 75 ] || { cat first; die "the task that trained ended with status $status"; }
expect_match '^warning: srun started 3 processes' first
expect_status 0 task 1 train "$recipe" --threads 1 --run shared --resume --quiet --set training.epochs=1000000000 \
    --set training.steps=1
expect_status 0 "$LOCKSTEP" train "$recipe" --threads 1 --run shared --overwrite --quiet --set training.epochs=40
cmp alone/model.safetensors shared/model.safetensors || die "tasks that were refused have damaged the run"
ok "tasks of an srun without --mpi are told so, and all but one are kept out of the run directory"

for words in "" --quiet; do
    expect_status 1 task 2 train "$recipe" --threads 1 --run alone $words
    expect_match '^warning: srun started 3 processes' "$output"
    expect_match '^lockstep: alone holds a finished run' "$output"
done
expect_status 0 task 0 doctor
expect_match "^warning: srun started 3 processes .*--mpi=$way" "$output"
for rank in 0 1 2; do task $rank train "$recipe" --threads 1 --run "own-$rank" --quiet --set training.epochs=40; done
cmp alone/model.safetensors own-2/model.safetensors || die "a task with a directory of its own trains another model"
ok "a finished run stays, and tasks with directories of their own are left alone"

# Another launcher's ranks that find themselves alone must not begin at all.
if [ "$way" = pmix ]; then
    expect_status 1 run_mpi 1 env OMPI_COMM_WORLD_SIZE=3 "$LOCKSTEP" train "$recipe" --threads 1 --run none
    expect_match 'the launcher started 3 processes, but each sees itself alone' "$output"
    [ ! -e none ] || die "a rank that misses the others wrote a run directory"
    ok "a rank that misses the others writes nothing"
fi

# srun tells which ranks are on the host, not how many. Open MPI lists what it found in the environment.
if [ "$way" = pmix ]; then
    ranks=$(seq -s , 0 4000)
    crowd() {
        run_mpi 1 env -u OMPI_COMM_WORLD_LOCAL_SIZE -u OMPI_MCA_mpi_yield_when_idle SLURM_GTIDS="$1" \
            OMPI_MCA_mpi_show_mca_params=enviro "$LOCKSTEP" doctor
    }
    expect_status 0 crowd "$ranks"
    expect_match 'mpi_yield_when_idle=\(true\|1\)' "$output"
    expect_status 0 crowd 3
    expect_no_match 'mpi_yield_when_idle' "$output"
    ok "ranks of srun that wait leave the core to others where there are more ranks than cores"
fi

# The batch scripts, with programs in place of Slurm's that note what they are told.
mkdir bin
cat >bin/srun <<'END'
#!/bin/sh
while [ $# -gt 0 ]; do
    case $1 in
    -*) printf '%s\n' "$1" >>"$NOTES" ;;
    *) break ;;
    esac
    shift
done
[ "$1" = lockstep ] || exit 99
shift
[ -z "$STOPPED" ] || exit 75
exec "$LOCKSTEP" "$@" --threads 1 --quiet
END
printf '#!/bin/sh\necho "scontrol $*" >>"$NOTES"\n' >bin/scontrol
chmod +x bin/srun bin/scontrol
sed "s#\.\./datasets#$top/datasets#" "$recipe" >recipe.yaml

# batch STOPPED: the script in $script, as Slurm starts it; what its programs were told is in the file notes.
batch() {
    : >notes
    env PATH="$work/bin:$PATH" NOTES="$work/notes" STOPPED="$1" LOCKSTEP="$LOCKSTEP" SLURM_JOB_ID=42 \
        SLURM_CPUS_PER_TASK=32 bash ./"$script"
}

command -v bash >/dev/null 2>&1 || { ok "there is no bash: the batch scripts were not tried"; exit 0; }
for page in README.md docs/clusters.md; do
    script=batch.sh
    awk '/^    #!\/bin\/bash/ { on = 1 } on && !/^    / { exit } on { print substr($0, 5) }' "$top/$page" >"$script"
    expect_match '^#SBATCH .*--cpus-per-task=32' "$script"
    rm -rf runs
    expect_status 0 batch ""
    [ -s runs/big/model.safetensors ] || die "the batch script of $page does not train"
    for option in --mpi=pmix --cpus-per-task=32 --kill-on-bad-exit=1; do expect_match "^$option\$" notes; done
    expect_no_match scontrol notes
    expect_status 0 batch ""
    expect_status 75 batch yes
    ! grep -q 'scontrol requeue' "$script" || expect_match '^scontrol requeue 42$' notes
done
expect_match 'scontrol requeue 42' notes
ok "the batch scripts of the documents train, end with the status of the training and put a stopped job back"
