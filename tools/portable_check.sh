#!/bin/sh
# Build tools/portable_check.c with all kernels: tools/portable_check.sh OUT KERNELS COMPILER…
# KERNELS is x86_64, every instruction set as meson.build has them, or portable.
set -eu
out=$1 kernels=$2
shift 2
flags="-std=gnu11 -O3 -Wall -Wextra -Werror -Icython_core"
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
if [ "$kernels" = x86_64 ]; then
    for set in search/avx2 search/avx512 decode/avx2 decode/gfni decode/avx512; do
        case $set in search/*) parts="search select" ;; *) parts="decode coding" ;; esac
        for part in $parts; do
            "$@" $flags "@cython_core/$set.flags" -c "cython_core/$part/kernels.c" \
                -o "$objects/${part}_$(basename "$set").o"
        done
    done
fi
for source in tools/portable_check.c cython_core/*/*.c; do
    case $source in */wasm/*) continue ;; esac # tools/wasm.sh compiles it
    "$@" $flags -c "$source" -o "$objects/$(echo "$source" | tr / _).o"
done
# Windows' own linker is not given the compiler's library (nm reads the objects of Linux and Windows)
if nm -u "$objects"/*.o 2>/dev/null | grep -E " __([a-z]+ti[0-9]|cpu_)"; then
    echo "the kernels need the compiler's library" >&2
    exit 1
fi
"$@" "$objects"/*.o -o "$out"
