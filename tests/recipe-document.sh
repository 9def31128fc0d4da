#!/bin/sh
# docs/recipe.md is what the tables say; "make doc" writes it anew.
set -u
work=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-document.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
"$builddir/tests/print_recipe_document" >"$work/recipe.md" || exit 1
[ -s "$work/recipe.md" ] || { echo "the document is empty"; exit 1; }
diff "$srcdir/docs/recipe.md" "$work/recipe.md" && exit 0
echo "docs/recipe.md (<) differs from the tables (>): run make doc"
exit 1
