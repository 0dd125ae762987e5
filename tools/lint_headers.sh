#!/bin/sh
# Every header of the kernels compiles alone, and every source without a warning, none being silenced:
# portable, and for the instruction sets of meson.build.
set -eu
cc="${CC:-cc} -std=gnu11 -Wall -Wextra -Werror -I."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cd "$(dirname "$0")/../cython_core"
sets=-I. # nothing more: portable
if [ "$(uname -m)" = x86_64 ]; then sets="$sets @search/avx2.flags @search/avx512.flags @decode/gfni.flags @decode/avx512.flags"; fi
for set in $sets; do
    for header in */*.h; do
        echo "#include \"$header\"" >"$out/alone.c"
        $cc -fsyntax-only "$set" "$out/alone.c" || { echo "$header does not compile alone" >&2; exit 1; }
    done
    for source in */*.c; do
        case $source in wasm/*) continue ;; esac # tools/wasm.sh compiles it
        $cc -O1 "$set" -c "$source" -o "$out/alone.o"
    done
done
