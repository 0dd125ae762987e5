"""Slow and plain: what the kernels must equal."""

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
    """The plain Viterbi of the paper over all 2^(n_in (n_s+1)) transitions a block."""
    n_in, n_s = network.n_in, network.n_s
    width, states = n_in * (n_s + 1), 1 << (n_in * n_s)
    words = np.arange(1 << width)  # x_t in the low bits
    outputs = np.zeros((1 << width, network.n_out), bool)
    for j in range(width):
        outputs[words >> j & 1 == 1] ^= network.matrix[:, j].astype(bool)
    cost = np.full(states, 1 << 20)
    cost[0] = 0
    for want, flags in zip(bits, care, strict=True):
        weight = (outputs[:, flags] != want[flags]).sum(axis=1)
        through = cost[words >> n_in] + weight
        cost = np.full(states, 1 << 20)
        np.minimum.at(cost, words & (states - 1), through)
    return int(cost.min())


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
