"""The Verilog, run in Icarus: every bit of every block, and faults that the testbench must find."""

import errno
import os
import re
import shutil
import subprocess
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import f2f_viz as f2f
from f2f_viz.codec.bitplanes import to_words
from f2f_viz.hardware import verilog
from f2f_viz.hardware.verilog import correction_items, xor_module
from f2f_viz.samples import SMALL


def blocks_of(folder, n_out):
    lines = (folder / "blocks.hex").read_text().split()
    values = [int(line, 16) for line in lines]
    return np.array([[value >> i & 1 for i in range(n_out)] for value in values], bool)


def combinations(*choices):
    """All of them; every second is quick, and all pairs of choices are among those."""
    for at in product(*(range(len(own)) for own in choices)):
        case = (own[i] for own, i in zip(choices, at, strict=True))
        yield pytest.param(*case, marks=pytest.mark.slow if sum(at) % 2 else ())


@pytest.mark.parametrize(
    ("dtype", "order", "n_s", "flips"),
    [*combinations(("float32", "bfloat16", "int8"), ("row", "interleaved"), (0, 1, 2), (1, 2))],
)
def test_every_bit_of_every_block_is_the_software_s(
    tmp_path, dtype, order, n_s, flips, simulate, encoded_layer
):
    weights, _, encoded = encoded_layer(dtype, n_s, order)
    assert {p.inverted for p in encoded.planes} == {False, True}
    wrong = [encoded.positions(p) // 53 for p in encoded.planes]
    assert any(np.bincount(own, minlength=1).max() > 1 for own in wrong)
    f2f.verilog(encoded, tmp_path, flips=flips)
    wanted = blocks_of(tmp_path, encoded.n_out).reshape(len(encoded.planes), encoded.blocks, -1)
    words = to_words(weights).reshape(-1)
    for p in range(len(encoded.planes)):
        t = f2f.trace(encoded, p, 0, encoded.blocks)
        np.testing.assert_array_equal(wanted[p], t.output)
        plane = words >> words.dtype.type(len(encoded.planes) - 1 - p) & 1
        np.testing.assert_array_equal(wanted[p][t.care], plane[t.weight_index[t.care]])
    assert simulate(tmp_path).startswith("PASS")
    assert simulate(tmp_path, stall=flips).startswith("PASS")


@pytest.mark.parametrize("flips", [1, 2])
@pytest.mark.parametrize("n_s", [0, 1, 2])
def test_every_tile_starts_anew(tmp_path, n_s, flips, simulate, encoded_layer):
    """What tiles of 7 blocks decode to is no layer, but hardware and software must agree."""
    encoded = replace(encoded_layer("int8", n_s, "interleaved")[2], tile_blocks=7)
    f2f.verilog(encoded, tmp_path, flips=flips)
    wanted = blocks_of(tmp_path, encoded.n_out)
    for p in range(len(encoded.planes)):
        own = wanted[p * encoded.blocks : (p + 1) * encoded.blocks]
        np.testing.assert_array_equal(own, f2f.trace(encoded, p, 0, encoded.blocks).output)
    assert simulate(tmp_path, stall=3).startswith("PASS")


@pytest.mark.parametrize(("n_s", "flips", "most"), [(0, 1, 1.12), (1, 1, 1.02), (1, 2, 1.002)])
def test_cycles_a_block(tmp_path, n_s, flips, most, simulate):
    layer = f2f.sample_layer(SMALL)
    assert layer.weights.shape == (160, 64)
    encoded = f2f.encode(layer.weights, f2f.prune(layer.weights, 0.9), n_s=n_s, n_out=80)
    f2f.verilog(encoded, tmp_path, flips=flips)
    text = simulate(tmp_path)
    found = {name: int(n) for name, n in re.findall(r"(\w+)=(\d+)", text)}
    assert text.startswith("PASS")
    assert found["blocks"] == encoded.blocks * 32
    assert 1 <= found["cycles"] / found["blocks"] <= most


def test_corrections_in_slots_are_the_same_list(tmp_path, simulate):
    layer = f2f.sample_layer(SMALL)
    mask = f2f.prune(layer.weights, 0.9)
    for name, coding in (("a", "slots"), ("b", "rank")):
        code = f2f.Code.fixed_rate(n_s=1, n_out=80, coding=coding)
        f2f.verilog(f2f.encode(layer.weights, mask, code), tmp_path / name)
    assert simulate(tmp_path / "a", stall=1).startswith("PASS")
    for file in ("symbols.hex", "corrections.hex", "blocks.hex"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize("n_s", [0, 2])
@pytest.mark.parametrize(("n_out", "flips"), [(1, 1), (53, 2), (64, 8)])
def test_verilator_finds_nothing_to_say(tmp_path, n_out, flips, n_s):
    if shutil.which("verilator") is None:
        pytest.skip("no Verilator on PATH: run tools/ensure_iverilog.sh iverilog verilator")
    rng = np.random.default_rng(8)
    weights, mask = rng.normal(0, 9, (12, 17)).astype(np.int8), rng.random((12, 17)) < 0.2
    f2f.verilog(
        f2f.encode(weights, mask, f2f.Code.paper(n_s=n_s, n_out=n_out)), tmp_path, flips=flips
    )
    command = "verilator --lint-only -Wall --default-language 1364-2005 --top-module f2f_lane"
    subprocess.run([*command.split(), "f2f_xor.v", "f2f_lane.v"], cwd=tmp_path, check=True)


MUTATIONS = {
    "an XOR term lost": ("f2f_xor.v", r"(y\[37\] = \^\(z & 24'h)\w", r"\g<1>0"),
    "rows exchanged": ("f2f_xor.v", r"y\[3\] = (.*;)\n(.*)y\[4\]", r"y[4] = \1\n\2y[3]"),
    "no new start of tiles": ("f2f_lane.v", r"in_first \? \S+ : older", "older"),
    "a register stage lost": ("f2f_lane.v", r"older <= z\[.*\]", "older <= x"),
    "history moves without a symbol": ("f2f_lane.v", r"if \(load\) older", "older"),
    "a block offered before the first": ("f2f_lane.v", r"^ +out_valid +<= 1'b0;\n", ""),
    "busy before the first symbol": ("f2f_lane.v", r"^ +busy +<= 1'b0;\n", ""),
    "gap of no length at first": ("f2f_lane.v", r"^ +passed +<= \S+\n(?=    end)", ""),
    "no inversion": ("f2f_lane.v", r" \^ \{N_OUT\{in_invert\}\}", ""),
    "earlier flips forgotten": ("f2f_lane.v", r"\(busy \? y : (.*)\) \^ flip", r"(\1) ^ flip"),
    "gap not counted anew": ("f2f_lane.v", r"if \(c_ready\) passed", "if (1'b0) passed"),
    "a block counted twice": ("f2f_lane.v", r"passed \+ 1'b1", "passed + 2'd2"),
    "corrections not waited for": ("f2f_lane.v", r" && \(c_valid \|\| c_done\)", ""),
    "block overwritten before it is taken": ("f2f_lane.v", r" && \(!out_valid \|\| out_ready\)", ""),
    "correction taken with no block": ("f2f_lane.v", r"here && \(load \|\| busy\)", "here"),
    "block offered unfinished": ("f2f_lane.v", r"out_valid <= finished", "out_valid <= 1'b1"),
    "a correction lost": ("corrections.hex", r"\A.*\n(.*\n)", r"\1\1"),
    "a bit of a symbol lost": ("symbols.hex", r"^\w*[13579bdf]\n", "000\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_fault_is_found(tmp_path, name, simulate, encoded_layer):
    encoded = replace(encoded_layer("int8", 2, "row", seed=4)[2], tile_blocks=9)
    f2f.verilog(encoded, tmp_path)
    file, old, new = MUTATIONS[name]
    text = (tmp_path / file).read_text()
    changed = re.sub(old, new, text, count=1, flags=re.MULTILINE)
    assert changed != text
    (tmp_path / file).write_text(changed)
    assert any(simulate(tmp_path, stall=seed).startswith("FAIL") for seed in (0, 1))


@given(
    st.sets(st.integers(0, 500)), st.integers(1, 12), st.integers(1, 4), st.integers(1, 4)
)  # fmt: skip
def test_items_flip_the_positions(positions, n_out, flips, skip_bits):
    block, flipped = 0, set()
    for item in correction_items(np.array(sorted(positions), int), n_out, flips, skip_bits):
        assert 0 <= item.skip < 1 << skip_bits
        assert len(item.bits) <= flips
        block += item.skip
        flipped |= {block * n_out + bit for bit in item.bits}
        block += item.last
    assert flipped == positions


def test_gaps_longer_than_a_field_are_passed(tmp_path, simulate, encoded_layer):
    _, _, encoded = encoded_layer("float32", 2, "interleaved", size=(60, 400))
    planes = [
        replace(p, corrections=p.corrections[encoded.positions(p) > 420 * 53])
        for p in encoded.planes
    ]
    f2f.verilog(replace(encoded, planes=tuple(planes)), tmp_path)
    items = (tmp_path / "corrections.hex").read_text().split()
    assert sum(int(item, 16) >> 6 & 1 == 0 for item in items[:-1]) > 10  # they flip nothing
    assert simulate(tmp_path).startswith("PASS")


def test_rows_are_masked_reductions():
    network = f2f.XorNetwork([[1, 0, 1, 1], [0, 0, 0, 0]], n_in=2)
    assert "  assign y[0] = ^(z & 4'hD);\n  assign y[1] = ^(z & 4'h0);\n" in xor_module(network)


def test_command_writes_a_folder_that_make_runs(tmp_path, run, encoded_layer):
    _, _, encoded = encoded_layer("int8", 1, "row")
    f2f.save(encoded, tmp_path / "a.f2f")
    run("verilog", tmp_path / "a.f2f", "-o", tmp_path / "rtl", "--flips", 2)
    assert "`c_on`, `c_bit` | 2, 2 × 6" in (tmp_path / "rtl" / "README.md").read_text()
    targets = ("run", "stall", "wave")
    for target in targets:
        made = subprocess.run(
            ["make", "-C", tmp_path / "rtl", target], capture_output=True, text=True, check=True
        )
        assert "PASS" in made.stdout
    assert (tmp_path / "rtl" / "f2f.vcd").stat().st_size
    (tmp_path / "rtl" / "blocks.hex").write_text(
        (tmp_path / "rtl" / "blocks.hex").read_text().replace("1", "2", 1)
    )
    for target in targets:
        failed = subprocess.run(
            ["make", "-C", tmp_path / "rtl", target], capture_output=True, text=True
        )
        assert failed.returncode
        assert "FAIL" in failed.stdout


def test_bad_input_is_one_line(tmp_path, run, encoded_layer):
    assert "cannot" in run("verilog", tmp_path / "none.f2f", "-o", tmp_path / "rtl", code=1)
    (tmp_path / "file").write_text("")
    _, _, encoded = encoded_layer("int8", 1, "row")
    with pytest.raises(f2f.F2FError, match="cannot make the folder"):
        f2f.verilog(encoded, tmp_path / "file")
    with pytest.raises(f2f.F2FError, match="flips"):
        f2f.verilog(encoded, tmp_path / "rtl", flips=9)
    empty = np.zeros((0, 4), np.float32)
    with pytest.raises(f2f.F2FError, match="no blocks"):
        f2f.verilog(f2f.encode(empty, empty > 0), tmp_path / "rtl")
    assert not (tmp_path / "rtl").exists()


def test_other_files_are_replaced_only_when_told_to(tmp_path, run, encoded_layer):
    _, _, encoded = encoded_layer("int8", 1, "row")
    f2f.save(encoded, tmp_path / "layer.f2f")
    mine = {"Makefile": b"mine", "README.md": (tmp_path / "layer.f2f").read_bytes()}
    folder = tmp_path / "w"
    folder.mkdir()
    for name, data in mine.items():
        (folder / name).write_bytes(data)
    (folder / "symbols.hex").symlink_to(tmp_path / "layer.f2f")
    command = ("verilog", folder / "README.md", "-o", folder)
    said = run(*command, code=1)
    assert "holds other files" in said
    assert "None" not in said
    assert {name: (folder / name).read_bytes() for name in mine} == mine
    run(*command, "--force")
    assert f2f.open(tmp_path / "layer.f2f").shape == encoded.shape  # a link is not followed
    made = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert len(made) == 8
    f2f.verilog(encoded, folder)  # a folder of ours may be written anew
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == made


def test_a_folder_is_written_whole_or_stays(tmp_path, monkeypatch, encoded_layer):
    _, _, encoded = encoded_layer("int8", 1, "row")
    f2f.verilog(encoded, tmp_path / "old")
    before = {file.name: file.read_bytes() for file in (tmp_path / "old").iterdir()}

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(verilog, "_block_lines", lambda _: map(full, [0]))
    for name in ("old", "new"):
        with pytest.raises(f2f.F2FError, match=f"cannot write {tmp_path / name}: No space"):
            f2f.verilog(encoded, tmp_path / name, flips=2)
    assert {file.name: file.read_bytes() for file in (tmp_path / "old").iterdir()} == before
    assert not (tmp_path / "new").exists()
