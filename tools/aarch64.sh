#!/bin/sh
# The portable kernels on aarch64, emulated and with little memory for costs: the same symbols,
# weights, bit strings and masks as this machine's kernels give. Needs Debian's gcc-aarch64-linux-gnu, libc6-dev-arm64-cross
# and qemu-user.
set -eu
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
tools/portable_check.sh "$out/here" "$(uname -m)" cc
tools/portable_check.sh "$out/there" portable \
    aarch64-linux-gnu-gcc -DF2F_TWO_SEGMENT_ROWS=8192 -DF2F_TWO_SEGMENTS=3 -static
"$out/here" | tee "$out/here.txt"
qemu-aarch64 "$out/there" >"$out/there.txt"
diff "$out/here.txt" "$out/there.txt"
echo "aarch64 gives the same"
