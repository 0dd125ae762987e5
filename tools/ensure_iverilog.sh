#!/bin/sh
# The tests of the generated Verilog need Icarus Verilog: that on PATH, else from apt, else say what
# to install.
set -e
if command -v iverilog >/dev/null 2>&1; then exit 0; fi
if command -v apt-get >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ]; then sudo=; elif sudo -n true 2>/dev/null; then sudo=sudo; else sudo=none; fi
    if [ "$sudo" != none ]; then
        $sudo apt-get update -q
        DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends iverilog
        exit 0
    fi
fi
echo "The Verilog tests need Icarus Verilog: install it (Debian, Ubuntu: apt install iverilog; macOS: brew install icarus-verilog) and put it on PATH." >&2
# without it those tests are skipped on a person's machine, and fail under CI
if [ -n "$CI" ]; then exit 1; fi
