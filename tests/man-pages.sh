#!/bin/sh
# The man pages say what the command says: a page for every sub-command, the same options with the same values in page
# and help, and the pages point to each other.
set -eu
. "${srcdir:-.}/tests/cli/common.sh"
cd "$work"

# Options as "--name VALUE" or "--name", from a help text and from the section OPTIONS of a page.
options_of_help() {
    sed -n 's/^  \(-h, \)\{0,1\}\(--[a-z-]*\)\( [A-Z=]*\)\{0,1\}  .*/\2\3/p' "$1" | sed 's/ *$//' | sort
}
options_of_page() {
    sed -n '/^\.SH OPTIONS/,/^\.SH [^O]/p' "$1" | grep '^\.B[IR]* .*\\-\\-[a-z]' |
        sed 's/\\-/-/g; s/" = VALUE/=VALUE/; s/" \([A-Z=]*\)"/ \1/; s/[",]//g; s/^\.B[IR]* *//; s/^-h *//; s/  */ /g; s/ *$//' | sort
}
summary_of_page() {
    sed -n '/^\.SH NAME/{n;s/.*\\- //p;}' "$1"
}

"$LOCKSTEP" --help >general
names=$(sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p' general | grep -vxE 'lockstep|help')
[ "$(printf '%s\n' "$names" | wc -l)" -ge 6 ] || { cat general; die "too few sub-commands in the general help"; }
main=$top/man/lockstep.1

for name in $names; do
    page=$top/man/lockstep-$name.1
    [ -f "$page" ] || die "there is no man/lockstep-$name.1 (list it in src/sources.am, too)"
    "$LOCKSTEP" "$name" --help >help
    options_of_help help >in-help
    options_of_page "$page" >in-page
    grep -qx -e --help in-help || { cat help in-help; die "lockstep $name --help: no options found"; }
    diff in-help in-page || die "options of 'lockstep $name --help' (<) and of man/lockstep-$name.1 (>) differ"
    grep -q "^\.BR $name .*lockstep-$name " "$main" || die "lockstep.1 does not name lockstep-$name"
    grep -q '^\.BR lockstep (1)' "$page" || die "lockstep-$name.1 does not point to lockstep(1)"
    for section in SYNOPSIS DESCRIPTION OPTIONS 'EXIT STATUS' EXAMPLES; do
        grep -q "^\.SH $section" "$page" || die "lockstep-$name.1 has no section $section"
    done
    ok "lockstep-$name(1): $(wc -l <in-help) options"
done

# Every option that the command takes is in its help: the parser knows no others.
for name in $names; do
    sed -n 's/.*{"\(--[a-z-]*\)", LS_CLI.*/\1/p' "$top/src/cli/$name.c" | sort >taken
    "$LOCKSTEP" "$name" --help >help
    options_of_help help | cut -d' ' -f1 | grep -vx -e --help | sort >in-help || true
    diff taken in-help || die "options that 'lockstep $name' takes (<) and those of its help (>) differ"
done
ok "the help texts name every option"

# Pages of sub-commands that are gone.
for page in "$top"/man/lockstep-*.1; do
    name=${page##*/lockstep-}
    printf '%s\n' "$names" | grep -qx "${name%.1}" || die "man/${page##*/} describes no sub-command"
done
[ "$(summary_of_page "$main")" != "" ] || die "lockstep.1 has no summary"
ok "no page without a sub-command"

if command -v groff >/dev/null 2>&1; then
    for page in "$top"/man/*.1; do
        groff -man -ww -Tascii "$page" 2>problems >formatted || die "$page cannot be formatted"
        [ ! -s problems ] || { cat problems; die "${page##*/} has problems"; }
    done
    ok "groff has no complaints"
fi
