#!/bin/sh
# The exact search as WebAssembly, for the lesson's page: tools/wasm.sh PYTHON builds the module that
# stands in the repository, tools/wasm.sh PYTHON check builds it apart and requires the same bytes.
# PYTHON has ziglang, of this version: another one gives other bytes.
set -eu
python=$(realpath -s "$1") # -s: a venv is known by its link
"$python" -m pip install -q "ziglang==0.17.1"
cd "$(dirname "$0")/../cython_core"
module=../f2f_viz/figures/static/lesson/search.wasm
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$python" -m ziglang cc --target=wasm32-freestanding -std=gnu11 -O2 -msimd128 -mbulk-memory \
    -nostdlib -ffreestanding -fno-builtin-malloc -Wall -Wextra -Werror -Iwasm/include -I. \
    wasm/*.c search/*.c coding/*.c -o "$out/search.wasm" -Wl,--no-entry -Wl,--strip-all \
    -Wl,-z,stack-size=1048576 -Wl,--initial-memory=4194304 -Wl,--max-memory=1073741824
if [ "${2:-}" = check ]; then
    cmp "$out/search.wasm" "$module" || { echo "the lesson's module is not that of cython_core: make wasm" >&2; exit 1; }
else
    install -m 644 "$out/search.wasm" "$module"
fi
