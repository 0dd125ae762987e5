#!/bin/sh
# The browser tests need a Chromium and the image tests its driver: those on PATH, else from apt,
# else say what to install.
set -e
if command -v chromedriver >/dev/null 2>&1; then
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        if command -v "$name" >/dev/null 2>&1; then exit 0; fi
    done
fi
if command -v apt-get >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ]; then sudo=; elif sudo -n true 2>/dev/null; then sudo=sudo; else sudo=none; fi
    if [ "$sudo" != none ]; then
        $sudo apt-get update -q
        DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends chromium chromium-driver libcairo2
        exit 0
    fi
fi
echo "The browser tests need Chromium or Chrome, and chromedriver: install them (Debian, Ubuntu: apt install chromium chromium-driver; macOS: brew install --cask chromium chromedriver) and put them on PATH." >&2
# without one the browser tests are skipped on a person's machine, and fail under CI
if [ -n "$CI" ]; then exit 1; fi
