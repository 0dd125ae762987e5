#!/bin/sh
# The kernels for macOS and Windows, compiled and linked by ziglang, a cross compiler from PyPI:
# tools/platforms.sh PYTHON. Windows's are then run by Wine (Debian's wine64), and give what this
# machine's do; macOS's cannot be run here. tools/platforms.sh PYTHON link runs none.
set -eu
python=$(realpath -s "$1") # -s: a venv is known by its link
"$python" -m pip install -q "ziglang==0.17.1"
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
link() { # OUT KERNELS TARGET
    tools/portable_check.sh "$out/$1" "$2" "$python" -m ziglang cc -target "$3" -fno-sanitize=undefined
    echo "$3: the kernels link"
}
link macos portable aarch64-macos
link windows.exe x86_64 x86_64-windows-gnu
if [ "${2:-}" = link ]; then exit; fi
tools/portable_check.sh "$out/here" "$(uname -m)" cc
"$out/here" >"$out/here.txt"
wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
WINEPREFIX="$out/wine" WINEDEBUG=-all "$wine" "$out/windows.exe" >"$out/there.txt"
tr -d '\r' <"$out/there.txt" | diff "$out/here.txt" -
echo "Windows's give the same, under Wine"
