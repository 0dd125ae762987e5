"""The waveform is told, not simulated: it must be what the simulator sees, and what the trace says."""

import io
import json
import re
import sys
from copy import copy
from dataclasses import replace

import numpy as np
import pytest

import f2f_viz as f2f
from f2f_viz.hardware.waveforms import to_vcd, to_wavejson, waveform


def sampled(data):
    """Values of each wire just before every rising edge of clk; None is unknown."""
    from vcd.reader import TokenKind, tokenize

    scopes, names, now, before, samples = [], {}, {}, {}, []
    for token in tokenize(io.BytesIO(data)):
        if token.kind is TokenKind.SCOPE:
            scopes.append(token.scope.ident)
            continue
        if token.kind is TokenKind.UPSCOPE:
            scopes.pop()
            continue
        if token.kind is TokenKind.VAR:
            name = token.var.reference if scopes[-1] in ("lane", "sequential") else None
            names.setdefault(token.var.id_code, name)
            continue
        if token.kind is TokenKind.CHANGE_TIME:
            before = dict(now)  # all changes of one time are one
            continue
        if token.kind is TokenKind.CHANGE_SCALAR:
            change = token.scalar_change
        elif token.kind is TokenKind.CHANGE_VECTOR:
            change = token.vector_change
        else:
            continue
        name, value = names[change.id_code], str(change.value)
        vector = isinstance(change.value, int) or value in ("0", "1")
        if name == "clk" and value == "1" and before.get("clk") == 0:
            samples.append(before)
        now[name] = int(value) if vector else None
    return samples


def numbers(bits):
    return [int("".join(str(int(b)) for b in row[::-1]) or "0", 2) for row in bits]


def only(encoded, plane):
    """One plane of a layer, for a quick simulation; whole layers have all of theirs."""
    part = copy(encoded)
    object.__setattr__(part, "planes", (encoded.planes[plane],))
    return part


@pytest.mark.parametrize("n_s", [0, 1, 2])
@pytest.mark.parametrize("flips", [1, 2])
def test_the_simulator_sees_the_same(tmp_path, n_s, flips, simulate, encoded_layer):
    encoded = replace(encoded_layer("int8", n_s, "row")[2], tile_blocks=11)
    for plane in (0, 5):
        f2f.verilog(only(encoded, plane), tmp_path, flips=flips)
        assert simulate(tmp_path, vcd="seen.vcd").startswith("PASS")
        seen = sampled((tmp_path / "seen.vcd").read_bytes())
        seen = [s for s in seen if s.get("rst") == 0]
        wave = waveform(encoded, plane, 0, encoded.blocks, flips=flips)
        z = numbers(np.concatenate([wave.x, wave.history], axis=1))
        columns = {"z": z, "flip": numbers(wave.flip), "y": numbers(wave.y)}
        for c, now in enumerate(seen[: wave.cycles]):
            assert now["in_ready"] == wave.in_ready[c]
            assert now["out_valid"] == wave.out_valid[c]
            assert now["in_valid"] == (wave.block[c] >= 0)
            assert now["flip"] == columns["flip"][c]
            if wave.block[c] >= 0:
                assert now["z"] == z[c]
                assert now["in_first"] == wave.in_first[c]
                assert now["in_invert"] == wave.in_invert[c]
                assert not n_s or now["history"] == numbers(wave.history[c : c + 1])[0]
            if wave.out_block[c] >= 0:
                assert now["y"] == columns["y"][c]


@pytest.mark.parametrize("n_s", [0, 2])
def test_a_vcd_s_values_are_the_trace_s(n_s, encoded_layer):
    encoded = encoded_layer("bfloat16", n_s, "interleaved")[2]
    start, stop = 3, 20
    for plane in range(len(encoded.planes)):
        t = f2f.trace(encoded, plane, start, stop)
        wave = waveform(encoded, plane, start, stop)
        assert wave.cycles == int(np.maximum(t.mismatch.sum(axis=1), 1).sum()) + 1
        seen = sampled(to_vcd(wave))
        taken = [s for s in seen if s["in_valid"] and s["in_ready"]]
        given = [s for s in seen if s["out_valid"]]
        assert [s["x"] for s in taken] == t.symbols.tolist()
        assert [s["y"] for s in given] == numbers(t.output)
        assert {s["in_invert"] for s in taken} == {int(t.inverted)}
        if n_s:
            older = [int(r[1]) | int(r[2]) << encoded.n_in for r in t.register]
            assert [s["history"] for s in taken] == older
        else:
            assert "history" not in taken[0]
        flipped = [0] * (stop - start)
        for s, block in zip(seen, [*wave.out_block[1:], -1], strict=False):
            if block >= 0:
                flipped[block - start] |= s["flip"]
        assert flipped == numbers(t.mismatch)


def test_a_vcd_file_tells_its_settings_and_its_blocks(tmp_path, run):
    name = "a $end of a name\n$"
    weights = np.random.default_rng(4).normal(size=(30, 40)).astype(np.float16)
    np.savez(tmp_path / "a.npz", **{name: weights})
    command = ("figure", "waveform", tmp_path / "a.npz", "--set", "n_s=2", "-o")
    run(*command, tmp_path / "a.vcd", "--plane", 7, "--cycle", 3, "--length", 5)
    data = (tmp_path / "a.vcd").read_bytes()
    about = json.loads(re.search(rb"\$comment\s(.*?)\s\$end", data, re.DOTALL)[1])
    assert about["layer"] == name
    settings = f2f.Settings.from_dict(about["settings"])
    analysis = f2f.analyze(f2f.load_layer(tmp_path / "a.npz"), settings)
    t = f2f.trace(analysis.encoded, 7, 3, 8)
    seen = sampled(data)
    assert [s["x"] for s in seen if s["in_valid"] and s["in_ready"]] == t.symbols.tolist()
    assert [s["y"] for s in seen if s["out_valid"]] == numbers(t.output)
    made = f2f.figure("waveform", analysis, plane=7, cycle=3, length=10**6)
    made.save(tmp_path / "rest.vcd")
    given = [s for s in sampled((tmp_path / "rest.vcd").read_bytes()) if s["out_valid"]]
    assert len(given) == analysis.blocks - 3
    with pytest.raises(f2f.F2FError, match="figure format"):
        f2f.figure("bits", analysis).save(tmp_path / "bits.vcd")


def test_wavejson_tells_each_value_once(encoded_layer):
    encoded = encoded_layer("int8", 1, "row")[2]
    wave = waveform(encoded, 7, 0, 12)
    rows = {row["name"]: row for row in to_wavejson(wave)["signal"]}
    assert {len(row["wave"]) for row in rows.values()} == {wave.cycles}
    x = rows["x"]
    assert x["wave"].count("=") == len(x["data"])
    told = [None]
    data = iter(x["data"])
    for mark in x["wave"]:
        told.append({"=": lambda: next(data), ".": lambda: told[-1], "x": lambda: None}[mark]())
    t = f2f.trace(encoded, 7, 0, 12)
    assert [
        int(v, 16) for v, r in zip(told[1:], wave.in_ready, strict=True) if r and v
    ] == t.symbols.tolist()


def test_what_is_not_there_is_named(encoded_layer, monkeypatch):
    encoded = encoded_layer("int8", 1, "row")[2]
    for asked in ((0, 5, 5), (8, 0, 5), (0, 0, encoded.blocks + 1)):
        with pytest.raises(f2f.F2FError, match=r"no such|start < stop"):
            waveform(encoded, *asked)
    monkeypatch.setitem(sys.modules, "vcd", None)
    with pytest.raises(f2f.F2FError, match=r"pip install 'f2f-viz\[hardware\]'"):
        to_vcd(waveform(encoded, 0, 0, 2))
