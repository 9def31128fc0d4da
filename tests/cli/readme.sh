#!/bin/sh
# The first recipe of README.md, as it stands there, with Fisher's irises: it trains, learns, and its commands work.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
cd "$work"

sed -n '/^For a table `flowers.csv`/,/^Save it as/p' "$top/README.md" | sed -n 's/^    //p' >flowers.yaml
expect_lines 5 flowers.yaml
cp "$top/datasets/iris.csv" flowers.csv
sed 1d flowers.csv | cut -d, -f1-4 >new.csv
expect_status 0 "$LOCKSTEP" train flowers.yaml
[ -s runs/flowers/model.safetensors ] || die "the recipe is not where the README says"
tail -n 1 runs/flowers/metrics.jsonl | sed 's/.*"test_accuracy":\([0-9.]*\).*/\1/' >accuracy
awk '{ exit !($1 >= 0.85) }' accuracy || die "test accuracy $(cat accuracy) with the README's recipe"
expect_status 0 "$LOCKSTEP" eval runs/flowers/model.safetensors
expect_match '^accuracy' "$output"
"$LOCKSTEP" predict runs/flowers/model.safetensors new.csv >classes.csv
expect_lines 151 classes.csv
ok "the README's recipe of five lines: test accuracy $(cat accuracy)"

# Every key that the README sets with --set, and every file that it names, is there.
sed -n 's/.*--set \([a-z_.]*=[0-9.a-z]*\).*/\1/p' "$top/README.md" | while read -r setting; do
    "$LOCKSTEP" train flowers.yaml --run settings --overwrite --quiet --set "$setting" || die "--set $setting of the README"
done
grep -o '](\([A-Za-z_./-]*\))' "$top/README.md" | sed 's/](\(.*\))/\1/' | sort -u | while read -r file; do
    [ -f "$top/$file" ] || die "README.md points to $file, which is not there"
done
grep -o 'recipes/[a-z-]*\.yaml' "$top/README.md" | sort -u | while read -r file; do
    [ -f "$top/$file" ] || die "README.md names $file, which is not there"
done
ok "what the README names is there"
