#!/bin/sh
# The layer that CONTRIBUTING.md walks through compiles without warnings against the headers as they are, and the files and
# the tables that the page names are there.
set -u
page=$srcdir/CONTRIBUTING.md
work=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-contributing.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT

sed -n '/^```c$/,/^```$/p' "$page" | sed '/^```/d' >"$work/layer.c"
grep -q '^const ls_layer_type ls_layer_' "$work/layer.c" || { echo "FAIL: no layer found in CONTRIBUTING.md"; exit 1; }
${CC:-cc} -std=gnu11 -Wall -Wextra -Werror -I"$srcdir/include" -I"$srcdir/src" -fsyntax-only "$work/layer.c" ||
    { echo "FAIL: the example of CONTRIBUTING.md does not compile"; exit 1; }
echo "ok: the example compiles"

failed=0
grep -o '`\(src\|tests\|scripts\|docs\)/[A-Za-z0-9_./-]*`' "$page" | tr -d '`' | sort -u >"$work/named"
[ -s "$work/named" ] || { echo "FAIL: no files found in CONTRIBUTING.md"; exit 1; }
example=$(sed -n 's/.*`src\/nn\/\(.*\)\.c`:$/src\/nn\/\1.c/p' "$page")
while read -r file; do
    [ "$file" = "$example" ] && continue
    [ -e "$srcdir/$file" ] || { echo "FAIL: CONTRIBUTING.md names $file, which is not there"; failed=1; }
done <"$work/named"
layer=$(sed -n 's/^const ls_layer_type ls_layer_\([a-z_]*\) .*/\1/p' "$work/layer.c")
if grep -q "ENTRY($layer)" "$srcdir/src/nn/registry.h"; then
    echo "FAIL: the example of CONTRIBUTING.md, $layer, is in the registry already; take another one"
    failed=1
fi
[ $failed = 0 ] && echo "ok: what the page names is there"
exit $failed
