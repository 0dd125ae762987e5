#!/bin/sh
# Run the kernels' tests under AddressSanitizer and UndefinedBehaviorSanitizer, with assertions on.
# Installed apart, and python -S skips the .pth of the editable install, so that copy is imported.
set -eu
python=${1:-python3}
site=$PWD/build/sanitize
rm -rf "$site"
"$python" -m pip install -q --no-build-isolation --no-deps --target "$site" . \
    -Csetup-args=-Db_sanitize=address,undefined -Csetup-args=-Db_lundef=false \
    -Csetup-args=-Dbuildtype=debugoptimized -Csetup-args=-Doptimization=2 \
    -Csetup-args=-Dc_args=-fno-sanitize-recover=all
grep -q __assert_fail "$site"/f2f_viz/codec/_core*.so || { echo "built without assertions" >&2; exit 1; }
packages=$("$python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
interpreter=$("$python" -c 'import sys; print(sys.executable)')
cp -r tests "$site"
printf "[pytest]\nmarkers = slow\n" >"$site/pytest.ini" # no pythonpath of the source root
cd "$site" # and not the source root, which would be imported first
PYTHONPATH=$site:$packages \
LD_PRELOAD="$(cc -print-file-name=libasan.so) $(cc -print-file-name=libubsan.so)" \
ASAN_OPTIONS=detect_leaks=0:halt_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    "$interpreter" -S -m pytest -q -p no:cacheprovider \
    tests/codec/test_trellis.py tests/codec/test_network.py tests/codec/test_word_decoder.py \
    tests/codec/test_decode.py tests/codec/test_coding.py tests/tensors/test_magnitudes.py \
    tests/codec/test_census.py tests/codec/test_kept_words.py tests/test_hostile_calls.py \
    tests/files/test_fuzz.py
