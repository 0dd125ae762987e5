"""Slow and simple: what the kernels must equal."""

from itertools import product

import numpy as np


def mismatches(bits, care, network, symbols):
    """Care bits the decoder gets wrong."""
    return int(((network.decode(symbols) != bits) & care).sum())


def decode(network, symbols):
    """y_t = M [x_t; ...; x_{t-n_s}], term by term."""
    register = [0] * (network.n_s + 1)
    out = []
    for symbol in symbols:
        register = [int(symbol), *register[:-1]]
        x = np.array([value >> j & 1 for value in register for j in range(network.n_in)])
        out.append(network.matrix.astype(int) @ x % 2)
    return np.array(out, dtype=bool).reshape(len(out), network.n_out)


def brute_force(bits, care, network):
    """The least mismatches over all symbol sequences."""
    every = product(range(1 << network.n_in), repeat=len(bits))
    return min(mismatches(bits, care, network, np.array(s, np.uint16)) for s in every)


def dynamic_program(bits, care, network):
    """The textbook Viterbi over all 2^(n_in (n_s+1)) transitions per block."""
    n_in, n_s = network.n_in, network.n_s
    states = 1 << (n_in * n_s)
    cost = np.full(1 << (n_in * n_s), 1 << 14, np.int16)
    cost[0] = 0
    for want, flags in zip(bits, care, strict=True):
        output = np.empty((-(-flags.sum() // 64), 1 << n_in * (n_s + 1)), np.uint64)
        output[:, 0] = pack(want[flags])  # of every transition, x_t in the low bits
        for at, column in enumerate(network.matrix.T.astype(bool)):
            known = output[:, : 1 << at]
            np.bitwise_xor(known, pack(column[flags])[:, None], out=output[:, 1 << at : 2 << at])
        weight = np.bitwise_count(output).sum(axis=0, dtype=np.int16)
        through = cost[:, None] + weight.reshape(states, -1)
        cost = through.reshape(1 << n_in, -1).min(axis=0) if n_s else through.min(axis=1)
    return int(cost.min())


def pack(flags):
    """Bits as 64-bit words."""
    octets = np.packbits(flags)
    return np.concatenate([octets, np.zeros(-octets.size % 8, np.uint8)]).view(np.uint64)


def random_stream(rng, blocks, n_out, keep, kind="random"):
    """Bits and care flags of a stream; kinds are planes that are not random."""
    care = rng.random((blocks, n_out)) < keep
    bits = {
        "random": lambda: rng.random((blocks, n_out)) < 0.5,
        "skewed": lambda: rng.random((blocks, n_out)) < 0.04,
        "zeros": lambda: np.zeros((blocks, n_out), bool),
        "ones": lambda: np.ones((blocks, n_out), bool),
        "periodic": lambda: np.arange(blocks * n_out).reshape(blocks, n_out) % 3 == 0,
    }[kind]()
    return bits, care
