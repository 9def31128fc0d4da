#!/bin/sh
# Layout invariance: the hash of model.safetensors over ranks, threads, algorithms of the allreduce, instruction sets,
# segments and environments. LOCKSTEP_SOAK=1: the full product of ranks and threads; otherwise a sample of it that has every
# value. The control shows that the comparison can fail.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
need_mpirun
LOCKSTEP_ALL_THREADS=1 # the digits are too few for several threads otherwise
export LOCKSTEP_ALL_THREADS

digits=$top/recipes/digits.yaml
xor=$top/recipes/xor.yaml

# train NAME RECIPE LAUNCH...: trains into a directory of its own and prints the hash of the weights.
train() {
    out=$work/$1
    shift
    "$@" >"$out.log" 2>&1 || { cat "$out.log" >&2; die "failed: $*"; }
    sha256sum "$out/model.safetensors" | cut -c1-64
    rm -rf "${out:?}"
}

same() {
    [ "$2" = "$reference" ] || die "$1: other bits ($2) than the reference ($reference)"
    ok "$1"
}

# 1438 training rows in batches of 96 (12 grains of 8): the last batch of an epoch is not full.
extra=
digits_5() {
    "$@" train "$digits" --run "$out" --quiet --set training.epochs=5 --set training.batch=96 --set training.grain=8 $extra
}
xor_200() {
    "$@" train "$xor" --run "$out" --quiet --set training.epochs=200 --set training.grain=1 $extra
}

# The last argument but those of the sub-command: mpi RANKS THREADS ..., solo THREADS ...
mpi() {
    ranks=$1
    threads=$2
    shift 2
    run_mpi "$ranks" "$LOCKSTEP" "$@" --threads "$threads"
}
mixed() { # rank r has r + 1 threads
    ranks=$1
    shift
    run_mpi "$ranks" sh -c 'exec "$@" --threads $((${OMPI_COMM_WORLD_RANK:-${PMI_RANK:?}} + 1))' mixed "$LOCKSTEP" "$@"
}
solo() {
    threads=$1
    shift
    "$LOCKSTEP" "$@" --threads "$threads"
}

soak=${LOCKSTEP_SOAK:-0}
all_layouts="1x1 1x2 1x3 2x1 2x2 2x3 3x1 3x2 3x3 4x1 4x2 4x3 8x1 8x2 8x3"
layouts="1x2 2x1 2x3 3x2 4x1 4x3 8x1"
xor_layouts="1x3 2x2 3x1 4x3 8x1"
algorithm_ranks="3"
if [ "$soak" = 1 ]; then
    layouts=$all_layouts
    xor_layouts=$all_layouts
    algorithm_ranks="2 3 4 8"
fi

# --- Ranks and threads.
reference=$(train reference digits_5 solo 1)
for threads in 2 3 16; do # 16: many more than cores on small machines
    same "digits, solo, $threads threads" "$(train solo digits_5 solo $threads)"
done
for layout in $layouts; do
    same "digits, $layout ranks x threads" "$(train layout digits_5 mpi "${layout%x*}" "${layout#*x}")"
done

same "digits, 3 ranks of 1, 2 and 3 threads" "$(train mixed digits_5 mixed 3)"

# --- Ranks that share memory are what all of the above had but the last; here messages add their sums.
for layout in 2x2 4x1; do
    same "digits, $layout, by messages" "$(LOCKSTEP_MESSAGES=1 train messages digits_5 mpi "${layout%x*}" "${layout#*x}")"
done
usual=$LOCKSTEP
LOCKSTEP=${LOCKSTEP_FAULTY:?set it to the path of the command with injected failures}
same "digits, 3 ranks, one of them without room in shared memory" "$(LOCKSTEP_FAULT=shared:rank=1 train room digits_5 mpi 3 1)"
LOCKSTEP=$usual
[ -z "$(ls /dev/shm 2>/dev/null | grep '^lockstep-')" ] || die "left behind in /dev/shm: $(ls /dev/shm)"

# --- What is around: MPI, OpenMP, the processor's settings.
for algorithm in 1 2 3 4; do
    for ranks in $algorithm_ranks; do
        same "digits, $ranks ranks, allreduce algorithm $algorithm" \
            "$(LOCKSTEP_MESSAGES=1 OMPI_MCA_coll_libnbc_iallreduce_algorithm=$algorithm train algorithm digits_5 mpi $ranks 1)"
    done
done
for number in 1 2 8; do
    same "digits, OMP_NUM_THREADS=$number, 2 ranks" "$(OMP_NUM_THREADS=$number train omp digits_5 mpi 2 2)"
    same "digits, OMP_NUM_THREADS=$number, solo" "$(OMP_NUM_THREADS=$number train omp digits_5 solo 2)"
done
same "digits, OMP_DYNAMIC and a thread limit" "$(OMP_DYNAMIC=true OMP_THREAD_LIMIT=2 train dynamic digits_5 solo 3)"
for isa in generic avx2; do
    same "digits, instruction set capped to $isa" "$(LOCKSTEP_ISA=$isa train isa digits_5 solo 2)"
done
usual=$LOCKSTEP
LOCKSTEP=${LOCKSTEP_FLUSHING:?set it to the path of the command with other floating-point settings}
same "digits, flush-to-zero and rounding towards zero in the calling program, solo" "$(train flush digits_5 solo 2)"
same "digits, flush-to-zero and rounding towards zero in the calling program, 2 ranks" "$(train flush digits_5 mpi 2 2)"
LOCKSTEP=$usual

# --- Segments, clipping.
for segments in 2 3; do
    extra="--set training.segments=$segments"
    same "digits, $segments segments, 2 ranks" "$(train segments digits_5 mpi 2 2)"
    same "digits, $segments segments, 2 ranks, by messages" "$(LOCKSTEP_MESSAGES=1 train segments digits_5 mpi 2 2)"
    same "digits, $segments segments, solo" "$(train segments digits_5 solo 2)"
done
extra="--set training.clip_norm=0.5"
reference=$(train clip digits_5 solo 1)
same "digits, clipped, 3 ranks, 2 threads" "$(train clip2 digits_5 mpi 3 2)"

# --- A first layer so large that threads share its units.
extra="--set model.hidden.units=600 --set training.epochs=2"
reference=$(train wide digits_5 solo 1)
for threads in 2 3 16; do
    same "digits, a wide first layer, solo, $threads threads" "$(train wide2 digits_5 solo $threads)"
done
for layout in 2x3 3x2; do
    same "digits, a wide first layer, $layout" "$(train wide2 digits_5 mpi "${layout%x*}" "${layout#*x}")"
done
extra="$extra --set training.segments=2"
same "digits, a wide first layer, 2 segments, by messages" "$(LOCKSTEP_MESSAGES=1 train wide2 digits_5 mpi 2 2)"
extra="--set model.hidden.units=600 --set training.epochs=2 --set training.accumulate=2 --set training.clip_norm=0.5"
reference=$(train wide digits_5 solo 1)
same "digits, a wide first layer, batches in parts" "$(train wide2 digits_5 mpi 2 2)"

# --- Weights that are denormal numbers: with steps that small, flushing them would leave nothing but zeros.
extra="--set model.hidden.initializer=zeros --set model.output.initializer=zeros --set optimizer.lr=1e-45"
nothing=$(train nothing digits_5 solo 1)
extra="--set model.hidden.initializer=zeros --set model.output.initializer=zeros --set optimizer.lr=1e-39"
reference=$(train denormal digits_5 solo 1)
[ "$nothing" != "$reference" ] || die "the weights are not the denormal numbers that they should be"
LOCKSTEP=$LOCKSTEP_FLUSHING
same "digits, denormal weights, flush-to-zero in the calling program" "$(train flush digits_5 solo 2)"
LOCKSTEP=$usual
extra=

extra='--set loss={"type":"softmax_cross_entropy","label_smoothing":0.1,"class_weights":[1,2,3,4,5,0.1,0.2,0.3,0.4,0.7],"ignore_label":3}'
reference=$(train weights digits_5 solo 1)
same "digits, a weighted and smoothed loss, 3 ranks, 2 threads" "$(train weights2 digits_5 mpi 3 2)"
extra=

# --- One row a grain: more ranks than there is work for.
reference=$(train xor xor_200 solo 1)
for threads in 2 3; do
    same "xor, solo, $threads threads" "$(train solo xor_200 solo $threads)"
done
for layout in $xor_layouts; do
    same "xor, $layout" "$(train layout xor_200 mpi "${layout%x*}" "${layout#*x}")"
done
for algorithm in 1 2 3 4; do
    [ "$soak" = 1 ] || continue
    same "xor, 3 ranks, allreduce algorithm $algorithm" \
        "$(LOCKSTEP_MESSAGES=1 OMPI_MCA_coll_libnbc_iallreduce_algorithm=$algorithm train algorithm xor_200 mpi 3 1)"
done

# --- The last batch has one row, far smaller than those before, and so has its gradient: a rank without rows must not
# bring what it met in the batch before into the exchange, whose largest values say how finely is rounded.
printf '%s\n' 1000,0,1000 2000,0,3000 -1500,0,2500 3000,0,-1000 0,0.0000001,0.0000003 >"$work/small.csv"
cat >"$work/small.yaml" <<END
data: {type: csv, train: small.csv, task: values, normalise: none, test_fraction: 0, header: no}
model: [{type: dense, units: 1, bias: false, initializer: zeros}]
loss: mse
optimizer: {type: sgd, lr: 1e-9}
training: {epochs: 1, batch: 4, grain: 1, shuffle: false}
END
small_last() {
    "$@" train "$work/small.yaml" --run "$out" --quiet
}
reference=$(train small small_last solo 1)
for ranks in 2 4; do
    same "a small last row, $ranks ranks" "$(train small2 small_last mpi $ranks 1)"
    same "a small last row, $ranks ranks, by messages" "$(LOCKSTEP_MESSAGES=1 train small2 small_last mpi $ranks 1)"
done

# --- Metrics are sums as well, or an order of all rows: the results of the test set, to the last digit that is written.
measured() {
    out=$work/$1
    shift
    "$@" >"$out.log" 2>&1 || { cat "$out.log" >&2; die "failed: $*"; }
    sed 's/.*"test_loss"/"test_loss"/; s/,"learning_rate".*//' "$out/metrics.jsonl"
    rm -rf "${out:?}"
}
iris_values() {
    "$@" train "$top/recipes/iris.yaml" --run "$out" --quiet --set training.epochs=5 --set data.target=1 --set data.task=values \
        --set 'model=[{type: dense, units: 1}]' --set loss=huber --set 'metrics=[rmse, mae, r2]'
}
extra='--set metrics=[accuracy,{"type":"top_k","k":3},precision,recall,f1,roc_area,confusion_matrix]'
reference=$(measured classes digits_5 solo 1)
case $reference in *'"test_top_3":0.9'*'"test_roc_area":0.9'*'"test_confusion_matrix":[['*) ;; *) die "no metrics: $reference" ;; esac
for layout in 1x3 3x2 4x1; do
    same "metrics of classes, $layout" "$(measured classes2 digits_5 mpi "${layout%x*}" "${layout#*x}")"
done
extra=
reference=$(measured values iris_values solo 1)
case $reference in *'"test_rmse":0.'*'"test_mae":0.'*'"test_r2":0.'*) ;; *) die "no metrics: $reference" ;; esac
for layout in 1x3 3x2 4x1; do
    same "metrics of values, $layout" "$(measured values2 iris_values mpi "${layout%x*}" "${layout#*x}")"
done

# --- Two outputs, a value and a class, with weighted losses.
cat >"$work/two.yaml" <<END
seed: 3
data: {type: csv, train: $top/datasets/iris.csv, target: [1, last], class_targets: last}
model:
  - {type: dense, name: trunk, units: 16, activation: tanh}
  - {type: dense, name: length, units: 1, inputs: trunk}
  - {type: dense, name: species, units: 3, inputs: trunk}
losses:
  - {type: huber, output: length, targets: 1, weight: 0.3}
  - {type: softmax_cross_entropy, output: species, targets: 2, class_weights: [1, 2, 0.3], label_smoothing: 0.1}
metrics: [rmse, r2, accuracy, roc_area]
optimizer: {type: sgd, lr: 0.05, momentum: 0.9}
training: {epochs: 5, batch: 25, grain: 4}
END
two_outputs() {
    "$@" train "$work/two.yaml" --run "$out" --quiet $extra
}
extra=
reference=$(train two two_outputs solo 1)
for layout in 1x3 3x2 4x1; do
    extra="--set training.segments=${layout%x*}"
    same "two outputs, $layout" "$(train two2 two_outputs mpi "${layout%x*}" "${layout#*x}")"
done
extra=
reference=$(measured two two_outputs solo 1)
case $reference in *'"test_length.r2":'*'"test_species.roc_area":'*) ;; *) die "no metrics: $reference" ;; esac
same "metrics of two outputs, 3x2" "$(measured two2 two_outputs mpi 3 2)"

# --- The control: plain float sums do depend on the layout.
extra="--set training.reduce=float32"
reference=$(train float digits_5 solo 1)
different=0
for ranks in 2 3 4; do
    [ "$(train float2 digits_5 mpi $ranks 1)" = "$reference" ] || different=$((different + 1))
done
[ "$different" -gt 0 ] || die "float sums gave the same bits on all layouts: the comparison cannot fail"
ok "the control: with float sums $different of 3 layouts differ"
