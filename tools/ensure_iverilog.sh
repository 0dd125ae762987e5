#!/bin/sh
# The tests of the generated Verilog need Icarus Verilog: that on PATH, else from apt, else say what
# to install. Tests lint it with Verilator, benchmarks/hardware.py asks for Yosys: ensure_iverilog.sh
# iverilog yosys.
set -e
missing=
for tool in "${@:-iverilog}"; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
if [ -z "$missing" ]; then exit 0; fi
if command -v apt-get >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ]; then sudo=; elif sudo -n true 2>/dev/null; then sudo=sudo; else sudo=none; fi
    if [ "$sudo" != none ]; then
        $sudo apt-get update -q
        # shellcheck disable=SC2086
        DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends $missing
        exit 0
    fi
fi
echo "The generated Verilog needs$missing: install (Debian, Ubuntu: apt install$missing; macOS: brew install icarus-verilog verilator yosys) and put on PATH." >&2
# without Icarus its tests are skipped on a person's machine, and fail under CI
if [ -n "$CI" ]; then exit 1; fi
