#!/bin/sh
# Help, versions and wrong usage: no work is begun, and the exit status tells which it was.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
cd "$work"
python3=${PYTHON3:-python3}

for name in train eval predict inspect bench doctor help; do
    for form in "$name --help" "$name -h" "help $name"; do
        "$LOCKSTEP" $form >out 2>err || die "lockstep $form: status $?"
        [ ! -s err ] || die "lockstep $form writes to standard error"
        expect_match "^Usage: lockstep $name" out
        expect_match '^Examples:' out
        expect_match "^  .*lockstep $name" out
        expect_no_match '.\{101\}' out
    done
done
ok "every sub-command has help with examples"

for form in --help -h help; do
    "$LOCKSTEP" $form >out 2>err || die "lockstep $form: status $?"
    for name in train eval predict inspect bench doctor; do expect_match "^  $name " out; done
    [ ! -s err ] || die "lockstep $form writes to standard error"
done
ok "the general help names all sub-commands"

"$LOCKSTEP" --version >out
expect_match '^lockstep [0-9][0-9]*\.[0-9][0-9.]*$' out
expect_lines 1 out
ok "--version"

status=0
"$LOCKSTEP" >out 2>err || status=$?
[ "$status" = 2 ] || die "lockstep alone: status $status"
[ ! -s out ] || die "lockstep alone writes to standard output"
expect_match '^Usage: lockstep' err
ok "lockstep alone prints the usage on standard error"

# Without a launcher nothing waits for MPI, whose start alone takes 0.4 s in a process of its own.
if [ -z "${LOCKSTEP_SANITIZER:-}" ]; then
    begin=$(date +%s)
    for start in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        "$LOCKSTEP" train "$top/recipes/xor.yaml" --run start --overwrite --quiet --set training.epochs=1
    done
    seconds=$(($(date +%s) - begin))
    [ "$seconds" -le 5 ] || die "20 starts took $seconds s"
    rm -rf start
    ok "20 trainings of one step were started and ended within $seconds s"
fi

# refused PATTERN ARGUMENTS...: status 2, one line on standard error, nothing on standard output, no files.
refused() {
    pattern=$1
    shift
    status=0
    "$LOCKSTEP" "$@" >out 2>err || status=$?
    [ "$status" = 2 ] || { cat out err; die "lockstep $*: status $status, expected 2"; }
    [ ! -s out ] || { cat out; die "lockstep $* writes to standard output"; }
    expect_lines 1 err
    expect_match '^lockstep: ' err
    expect_match "$pattern" err
    [ ! -e runs ] || die "lockstep $* made a directory"
}
recipe=$top/recipes/iris.yaml

refused "unknown sub-command 'trian'; did you mean 'train'" trian "$recipe"
refused "lockstep train iris.yaml" iris.yaml
refused "unknown sub-command 'frobnicate'" frobnicate
refused "unknown option '--threads'" --threads 2 train "$recipe"
refused "no help on 'tarin'; did you mean 'train'" help tarin
ok "unknown sub-commands"

refused "unknown option '--thread'; did you mean '--threads'" train "$recipe" --thread 2
refused "unknown option '--job'" train --job=2 "$recipe"
refused "unknown option '-x'" train "$recipe" -x
refused "unknown option '--json'" inspect --json "$recipe"
refused "unknown option '--lost'; did you mean '--list'" bench --lost
ok "unknown options name the nearest"

refused "--run needs a value" train "$recipe" --run
refused "--run needs a value" train "$recipe" --run=
refused "--run needs a value" train "$recipe" --run --quiet
refused "--set needs a value" train "$recipe" --set
refused "KEY=VALUE" train "$recipe" --set training.epochs
refused "--quiet takes no value" train "$recipe" --quiet=yes
for number in 0 -1 1025 two 2x '' 99999999999999999999; do
    refused "threads" train "$recipe" "--threads=$number"
done
refused "exclude each other" train "$recipe" --resume --overwrite
ok "missing and wrong values"

refused "RECIPE" train
refused "MODEL" eval
refused "MODEL DATA" predict
refused "MODEL DATA" predict model.safetensors
refused "RECIPE|MODEL|CHECKPOINT" inspect
refused "unexpected 'b.yaml'" train a.yaml b.yaml
refused "unexpected 'c'" eval a b c
refused "unexpected 'x'" doctor x
refused "unknown workload 'xor-b4'; did you mean 'xor-b4-sgd'" bench xor-b4
for name in dense- dense-20-b16 dense-20-30-1-b16 dense-20-30-b0 dense-20--30-b16 dense-20-30-b16x dense-20-30 dense-0-30-b16 dense-20-9999999-b1; do
    refused "unknown workload '$name': dense-INPUTS-UNITS-...-CLASSES-bBATCH was expected" bench "$name"
done
ok "missing and superfluous operands"

# Options stand before, between or after operands, with "=" or a blank; -- ends them.
expect_status 0 "$LOCKSTEP" train --threads=1 --run one "$recipe" --set training.epochs=1 --quiet
expect_status 0 "$LOCKSTEP" train "$recipe" --run=two --threads 1 --quiet --set=training.epochs=1
cmp one/model.safetensors two/model.safetensors || die "the same options in another order train another model"
cp "$recipe" ./-odd.yaml
expect_status 0 "$LOCKSTEP" train --quiet --threads 1 --set "data.train=$top/datasets/iris.csv" --set training.epochs=1 -- -odd.yaml
[ -f runs/-odd/model.safetensors ] || die "-- does not end the options"
ok "options in any place, and -- ends them"

# These names are relied on: others measure the same.
cat >wanted <<'END'
xor-b4-sgd
digits-b32-sgdm
mnist-mlp-b32-sgdm
mnist-mlp-b128-sgdm
mnist-mlp-b512-sgdm
mnist-mlp-b128-adam
wide-mlp-b512-sgdm
lenet-b64-sgdm
lenet-b128-sgdm
resnet20-b128-sgdm
dense-I-U-...-C-bB
END
"$LOCKSTEP" bench --list >out
sed 's/ .*//' out | diff wanted - || die "bench --list names other workloads (>) than it should (<)"
expect_no_match '^[^ ]* *$' out
ok "bench --list names the workloads"

"$LOCKSTEP" bench xor-b4-sgd --threads 1 >out 2>err || { cat err; die "bench: status $?"; }
expect_lines 2 out
expect_match '^name  *us/step  *samples/s  *GFLOP/s  *% of sgemm$' out
expect_match '^xor-b4-sgd  *[0-9.][0-9.]*  *[0-9,.][0-9,.]*  *[0-9.][0-9.]*  *[0-9.][0-9.]*$' out
ok "bench prints a header and a row"

"$LOCKSTEP" bench dense-20-30-4-b16 --threads 1 --json --float >out 2>err || { cat err; die "bench: status $?"; }
"$LOCKSTEP" bench dense-3-2-b1 --threads 1 --json >>out 2>>err || { cat err; die "bench: status $?"; }
[ ! -s err ] || { cat err; die "bench --json writes to standard error"; }
"$python3" - out "$top/man/lockstep-bench.1" <<'END' || die "bench --json does not print what its manual page says"
import json, re, sys
page = open(sys.argv[2]).read().replace("\\", "")
options = page[page.index(".SH OPTIONS") : page.index(".SH EXIT")]
keys = re.findall(r"^\.TP\n\.I (\w+)$", options, re.M)
assert keys == "name reduce us_per_step us_median samples_per_s gflops sgemm_share flops bytes us_phase".split(), keys
keys.pop()  # tests/cli/phases.sh
results = [json.loads(line) for line in open(sys.argv[1])]
assert [list(result) for result in results] == 2 * [keys], results
assert [result["name"] for result in results] == ["dense-20-30-4-b16", "dense-3-2-b1"]
assert [result["reduce"] for result in results] == ["float32", "exact"]
for result, batch, products in zip(results, (16, 1), (2 * 20 * 30 + 3 * 30 * 4, 2 * 3 * 2)):
    us, rate = result["us_per_step"], result["samples_per_s"]
    assert 0 < us <= result["us_median"], result
    assert abs(rate * us / batch - 1e6) < 1, result
    assert abs(result["gflops"] * us / (2e-3 * products * batch) - 1) < 1e-6, result
    assert 0 <= result["sgemm_share"] < 10, result
    assert result["flops"] == 2 * products * batch, result
END
ok "bench --json, and dense networks by their names"

"$LOCKSTEP" doctor --threads 1 >out
for word in Lockstep MPI oneDNN fingerprint layout rank; do expect_match "$word" out; done
ok "doctor"
