#!/bin/sh
# The portable kernels on aarch64, emulated and with little memory for costs: the same symbols,
# weights, bit strings and masks as this machine's kernels give. Needs Debian's gcc-aarch64-linux-gnu, libc6-dev-arm64-cross
# and qemu-user.
set -eu
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
flags="-std=gnu11 -O3 -Wall -Wextra -Werror -Icython_core"
search=cython_core/search
for set in avx2 avx512; do # this machine's kernels, as meson.build has them
    for part in search select; do
        cc $flags "@$search/$set.flags" -c "cython_core/$part/kernels.c" -o "$out/$part$set.o"
    done
done
decode=cython_core/decode
for set in avx2 gfni avx512; do
    for part in decode coding; do
        cc $flags "@$decode/$set.flags" -c "cython_core/$part/kernels.c" -o "$out/$part$set.o"
    done
done
sources="tools/portable_check.c $search/*.c $decode/*.c cython_core/coding/*.c cython_core/select/*.c"
cc $flags $sources "$out"/*.o -o "$out/here"
aarch64-linux-gnu-gcc $flags -DF2F_TWO_SEGMENT_ROWS=8192 -DF2F_TWO_SEGMENTS=3 -static \
    $sources -o "$out/there"
"$out/here" | tee "$out/here.txt"
qemu-aarch64 "$out/there" >"$out/there.txt"
diff "$out/here.txt" "$out/there.txt"
echo "aarch64 gives the same"
