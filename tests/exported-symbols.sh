#!/bin/sh
# The shared library exports the functions of the public headers and nothing else.
set -u
library=$builddir/.libs/liblockstep.so
[ -f "$library" ] || { echo "no shared library was built"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-symbols.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT

# Sanitizers and linkers export names of their own, which begin with an underscore.
${NM:-nm} -D --defined-only "$library" | awk '$2 ~ /[A-Z]/ && $3 !~ /^_/ { print $3 }' | sort -u >"$work/exported"
sed -n 's/^LS_API .*[ *]\(ls_[a-z_0-9]*\)(.*/\1/p' "$srcdir"/include/lockstep/*.h | sort -u >"$work/declared"

[ -s "$work/declared" ] || { echo "no declarations found"; exit 1; }
diff "$work/declared" "$work/exported" >"$work/difference" && exit 0
echo "declared (<) and exported (>) functions differ:"
cat "$work/difference"
exit 1
