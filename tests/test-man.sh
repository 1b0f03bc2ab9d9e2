#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The manual pages: man(1) has no warnings, and everything that --help lists is documented. Prints TAP.
cd "${SOURCES:-.}" || exit 1
number=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# result NAME: fails if $work/wrong is not empty.
result() {
	number=$((number + 1))
	if [ ! -s "$work/wrong" ]; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
		sed 's/^/# /' "$work/wrong"
	fi
}

# words PROGRAM: prints the subcommands, options and formats of its help, and pciprobe's columns.
words() {
	[ "$1" != "$PCIPROBE" ] || "$1" -o help | sed 's/ .*//'
	"$1" --help | sed -n 's/^  \([a-z-]*\) .*/\1/p; s/^  .*\(--[a-z-]*\) .*/\1/p'
}

# compare PROGRAM PAGE
compare() {
	LC_ALL=C.UTF-8 MANWIDTH=200 man -l "$2" 2>/dev/null | col -b >"$work/page"
	words "$1" >"$work/words"
	while read -r word; do
		grep -qF -e "$word" "$work/page" || echo "$word is missing"
	done <"$work/words" >"$work/wrong"
	[ -s "$work/words" ] || echo "the help lists nothing" >"$work/wrong"
	result "$2 documents everything that --help lists"
}

for page in man/*; do
	LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l "$page" 2>"$work/wrong" >/dev/null
	result "$page has no warnings"
done
compare "$PCIPROBE" man/pciprobe.1
[ -z "$VFIO_BIND" ] || compare "$VFIO_BIND" man/vfio-bind.8
echo "1..$number"
