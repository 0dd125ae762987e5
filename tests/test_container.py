"""Files: whole or not at all, refused when damaged, the same bytes for the same version."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest

import f2f_viz as f2f
from f2f_viz import container

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def encoded():
    weights = np.random.default_rng(0).normal(size=(30, 40)).astype(np.float16)
    return f2f.encode(weights, f2f.prune(weights, 0.8), n_in=4, n_s=1)


def test_every_flipped_byte_is_refused(encoded):
    data = container.to_bytes(encoded)
    rng = np.random.default_rng(0)
    for at in rng.choice(len(data), 300, replace=False):
        damaged = bytearray(data)
        damaged[at] ^= 1 << rng.integers(8)
        try:
            read = container.from_bytes(bytes(damaged))
        except f2f.F2FError as problem:
            assert "\n" not in str(problem)
        else:  # a harmless byte, such as a space of the JSON header's padding
            np.testing.assert_array_equal(f2f.decode(read), f2f.decode(encoded))


def test_the_same_layer_gives_the_same_bytes(encoded):
    assert len({container.to_bytes(encoded) for _ in range(9)}) == 1


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 100, -1])
def test_truncated_files_are_refused(encoded, cut):
    with pytest.raises(f2f.F2FError, match="not an intact"):
        container.from_bytes(container.to_bytes(encoded)[:cut])


def test_a_later_version_is_named(encoded, monkeypatch):
    monkeypatch.setattr(container, "VERSION", container.VERSION + 1)
    data = container.to_bytes(encoded)
    monkeypatch.undo()
    with pytest.raises(f2f.F2FError, match=r"version.*update"):
        container.from_bytes(data)


def test_a_failed_write_leaves_nothing(encoded, tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(container.os, "replace", full)
    with pytest.raises(f2f.F2FError, match="No space left"):
        f2f.save(encoded, tmp_path / "w.f2f")
    assert not list(tmp_path.iterdir())


def test_golden_files_still_decode():
    """Written by version 1 of the format; a missing file fails."""
    sums = (GOLDEN / "SHA256SUMS").read_text().split()
    assert sums
    for expected, name in zip(sums[::2], sums[1::2], strict=True):
        encoded = f2f.open(GOLDEN / name)
        decoded = f2f.decode(encoded)
        assert hashlib.sha256(decoded.tobytes()).hexdigest() == expected == encoded.checksum


@pytest.mark.parametrize(
    ("coding", "wrong"),
    [("chunk", "padding"), ("chunk", "don't-care"), ("chunk", "twice"), ("rank", "twice")],
)
def test_corrections_elsewhere_are_refused(coding, wrong):
    """A file can be whole, digest and all, and still not be one that the encoder writes."""
    weights = np.random.default_rng(1).normal(size=1001).astype(np.float16)
    encoded = f2f.encode(weights, f2f.prune(weights, 0.8), n_in=4, n_s=0, n_out=20, coding=coding)
    plane = encoded.planes[-1]
    assert plane.corrections.size > 2
    care = np.zeros(encoded.blocks * encoded.n_out, bool)
    care[encoded.care_positions] = True
    at = plane.corrections.copy()
    if wrong == "twice":
        at[1] = at[0]
    else:
        at[-1] = care.size - 1 if wrong == "padding" else np.flatnonzero(~care[: at[-1]])[-1]
        at.sort()
    bad = dataclasses.replace(plane, corrections=at)
    file = container.to_bytes(dataclasses.replace(encoded, planes=(*encoded.planes[:-1], bad)))
    with pytest.raises(f2f.F2FError, match="corrections"):
        container.from_bytes(file)


def test_headers_that_lie_are_refused(encoded, capsys):
    """Every field says something else, under a digest that fits: one clear error, or a sound layer."""
    tensors, header, _ = container._layout(encoded)
    junk = [-1, 0, 1, 2, 3, 7, 255, 4096, 2**31, 2**63, 10**30, 1.5, True, None, "", "x", "int8", "row", "chunk",
            "bitmap", [], [0], [1] * 16, [-1] * 16, [2**40] * 16, ["a"] * 16, [[0]] * 16, {}, {"a": 1}, [10**6, 10**6],
            [1200], [2**62, 4], [0, 5], [30, 40.0]]  # fmt: skip
    refused = sound = 0
    for field in header:
        for value in junk:
            try:
                read = container.from_bytes(container._serialise(tensors, {**header, field: value}))
                f2f.decode(read)
                sound += 1
            except f2f.F2FError as problem:
                assert "\n" not in str(problem)
                refused += 1
        shorter = {key: value for key, value in header.items() if key != field}
        with pytest.raises(f2f.F2FError):
            container.from_bytes(container._serialise(tensors, shorter))
    rng = np.random.default_rng(0)
    for name in tensors:  # other bytes, fewer, more
        for _ in range(150):
            data = tensors[name].copy()
            if data.size:
                data[rng.integers(data.size)] ^= 1 << rng.integers(8)
            data = data[: rng.integers(data.size + 1)] if rng.random() < 0.3 else data
            data = (
                np.concatenate([data, rng.integers(0, 256, rng.integers(4)).astype(np.uint8)])
                if rng.random() < 0.3
                else data
            )
            try:
                f2f.decode(
                    container.from_bytes(container._serialise({**tensors, name: data}, header))
                )
                sound += 1
            except f2f.F2FError as problem:
                assert "\n" not in str(problem)
                refused += 1
    with capsys.disabled():
        print(f" [{refused} lying files refused, {sound} harmless] ", end="")
    assert refused > 500
