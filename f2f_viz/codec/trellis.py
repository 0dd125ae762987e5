"""Exact search for the symbols: the minimum of mismatched care bits over all symbol sequences.

The dynamic program over the register's states (Park et al. 2022, section 4), computed as
distances in a hypercube rather than over all transitions: see cython_core. The stream is cut into
tiles, the register starting at zero in each, so tiles are independent jobs of a thread pool.
"""

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event, Lock
from time import thread_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.arguments import as_array, checked
from f2f_viz.codec import _core
from f2f_viz.codec.instruction_set import instruction_set
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.packing import pack_mask
from f2f_viz.codec.parallel import workers
from f2f_viz.errors import F2FError, stop_if

__all__ = [
    "MAX_STATE_BITS",
    "TILE_BLOCKS",
    "BitEncoding",
    "TileSearch",
    "encode_bits",
    "max_n_in",
    "search_seconds",
    "search_tiles",
]

TILE_BLOCKS = 2048
"""Blocks of a tile, where nothing else is asked for."""
MAX_SECONDS = 48 * 3600.0
"""Longest search that is begun, by `search_seconds`."""
_SHORT = 2e-3
"""Seconds of search that are not worth starting a thread."""
MAX_STATE_BITS = 16
"""Largest n_in·n_s: 2^16 register states."""
_POLL = 0.02  # seconds between looks at progress and cancel


def max_n_in(n_s: int) -> int:
    """Return the largest n_in the search takes with n_s register stages."""
    return {0: 12, 1: 10}.get(n_s, MAX_STATE_BITS // max(n_s, 1))


def search_seconds(n_in: int, n_s: int, blocks: int, planes: int) -> float:
    """Estimate the seconds one thread searches, for a stream of about n_in care bits per block.

    Measured on cores with AVX-512; the portable path is some two times slower at n_s = 2, and ten
    at n_s = 1.
    """
    if n_s == 0:
        block = 4e-7 * 2 ** max(0, n_in - 8)
    elif n_s == 1 and n_in <= 8:
        block = 1e-6
    elif n_s == 2 and 4 <= n_in <= 8:
        block = 1.2e-5
    else:  # every state is visited at every block
        block = 2e-6 + 1.5e-8 * 2 ** (n_in * n_s)
    return block * blocks * planes


@dataclass(frozen=True)
class BitEncoding:
    """Symbols of one stream, and what they cost.

    Attributes
    ----------
    symbols : ndarray of uint16, shape (blocks,)
    mismatches : int
        Care bits the decoder gets wrong with these symbols; no sequence has fewer.
    """

    symbols: NDArray[np.uint16]
    mismatches: int


@dataclass(frozen=True)
class TileSearch:
    """Symbols of all planes, and what each tile costs.

    Attributes
    ----------
    symbols : ndarray of uint16, shape (planes, blocks)
    mismatches : ndarray of int64, shape (planes, tiles)
    """

    symbols: NDArray[np.uint16]
    mismatches: NDArray[np.int64]


@checked
def encode_bits(
    bits: NDArray[np.bool_], care: NDArray[np.bool_], network: XorNetwork, *, threads: int = 1
) -> BitEncoding:
    """Find the best symbols of one stream, register zero at its start.

    Parameters
    ----------
    bits, care : ndarray of bool, shape (blocks, n_out)
        Wanted bits, and which of them matter.
    network : XorNetwork
    threads : int
        Kept for symmetry with `search_tiles`; one stream is one job.

    Returns
    -------
    BitEncoding

    Examples
    --------
    One block; its middle bit is a don't-care:

    >>> network = XorNetwork([[1, 0], [0, 1], [1, 1]], n_in=2)
    >>> bits, care = np.array([[True, False, True]]), np.array([[True, False, True]])
    >>> encode_bits(bits, care, network)
    BitEncoding(symbols=array([1], dtype=uint16), mismatches=0)
    """
    bits, care = as_array("bits", bits), as_array("care", care)
    for name, array in (("bits", bits), ("care", care)):
        if array.ndim != 2 or array.shape[1] != network.n_out or array.shape != bits.shape:
            raise F2FError(
                f"{name} must be blocks of the network's n_out",
                expected=f"shape (blocks, {network.n_out})",
                got=array.shape,
            )
    blocks = bits.shape[0]
    found = search_tiles(
        pack_mask(bits)[None], pack_mask(care), network, tile_blocks=blocks or 1, threads=threads
    )
    return BitEncoding(found.symbols[0], int(found.mismatches.sum()))


@checked
def search_tiles(
    bits: NDArray[np.uint64],
    care: NDArray[np.uint64],
    network: XorNetwork,
    *,
    tile_blocks: int = TILE_BLOCKS,
    threads: int | None = None,
    progress: Callable[[int, int], Any] | None = None,
    cancel: Event | None = None,
    cpu: list[float] | None = None,
) -> TileSearch:
    """Find the best symbols of all planes, tile by tile.

    Parameters
    ----------
    bits : ndarray of uint64, shape (planes, blocks, ceil(n_out / 64))
        Wanted bits, packed as in `f2f_viz.codec.packing`.
    care : ndarray of uint64, shape (blocks, ceil(n_out / 64))
        Which bits matter, the same for every plane.
    network : XorNetwork
    tile_blocks : int
        Blocks of a tile; the register is zero at the start of each.
    threads : int, optional
        Default: the CPUs this process may use. The result does not depend on it.
    progress : callable, optional
        Called as ``progress(done, total)``, units being (tile, plane) pairs.
    cancel : threading.Event, optional
        Once set, the search stops within 50 ms and raises `Cancelled`.
    cpu : list, optional
        Takes the CPU seconds of the jobs, which other work on the machine does not lengthen.

    Returns
    -------
    TileSearch
    """
    bits = np.ascontiguousarray(bits)
    care = np.ascontiguousarray(care)
    _check(bits, care, network, tile_blocks)
    planes, blocks, _ = bits.shape
    seconds = _affordable_seconds(network, blocks, planes)
    tiles, count = -(-blocks // tile_blocks), workers(threads) if seconds >= _SHORT else 1
    symbols = np.zeros((planes, blocks), np.uint16)
    mismatches = np.zeros((tiles, planes), np.int64)
    jobs = _jobs(tiles, planes, count)
    done = np.zeros((len(jobs), 1), np.int64)
    stop = np.zeros(1, np.int32)
    kernels = instruction_set()

    def run(job: int) -> None:
        tile, part = jobs[job]
        where = slice(tile * tile_blocks, min((tile + 1) * tile_blocks, blocks))
        own = np.zeros((part.stop - part.start, where.stop - where.start), np.uint16)
        began = thread_time()
        status = _core.search_tile(
            network.n_in, network.n_s, network.n_out, network.columns,
            np.ascontiguousarray(bits[part, where]), care[where],
            own, mismatches[tile, part], stop, done[job], kernels,
        )  # fmt: skip
        if cpu is not None:
            cpu.append(thread_time() - began)
        if status == 2:
            raise MemoryError("the trellis search found no memory")
        symbols[part, where] = own

    def watch() -> None:
        if progress is not None:
            progress(int(done.sum()), tiles * planes)
        stop_if(cancel)

    if seconds < _SHORT:
        for job in range(len(jobs)):
            run(job)
        watch()
    else:
        _run_in_threads(run, len(jobs), count, watch, stop)
    return TileSearch(symbols, np.ascontiguousarray(mismatches.T))


def _affordable_seconds(network: XorNetwork, blocks: int, planes: int) -> float:
    """Return what one thread will take, and refuse what would take too long."""
    seconds = search_seconds(network.n_in, network.n_s, blocks, planes)
    if seconds > MAX_SECONDS:
        raise F2FError(
            "the search would take too long",
            expected=f"at most {MAX_SECONDS / 3600:.0f} h of one thread",
            got=f"about {seconds / 3600:.0f} h",
            hint="take a smaller n_in or n_s",
            field="n_s",
        )
    return seconds


def _jobs(tiles: int, planes: int, threads: int) -> list[tuple[int, slice]]:
    """Cut the work into jobs of a tile and some of its planes.

    The planes of a job share what is made of the tile's care bits; few tiles are split further to
    feed all of several threads.
    """
    wanted = -(-2 * threads // tiles) if threads > 1 and tiles else 1
    parts = min(planes, wanted) if tiles else 0
    return [
        (tile, slice(planes * part // parts, planes * (part + 1) // parts))
        for tile in range(tiles)
        for part in range(parts)
    ]


def _run_in_threads(
    run: Callable[[int], None],
    jobs: int,
    threads: int,
    watch: Callable[[], None],
    stop: NDArray[np.int32],
) -> None:
    """Run jobs 0, 1, … in threads; call `watch` meanwhile, and if it raises tell all to stop."""
    left, taking = iter(range(jobs)), Lock()

    def work() -> None:
        while not stop[0]:
            with taking:
                job = next(left, None)
            if job is None:
                return
            run(job)

    with ThreadPoolExecutor(threads) as pool:
        pending = {pool.submit(work) for _ in range(min(threads, jobs))}
        try:
            while pending:
                finished, pending = wait(pending, timeout=_POLL, return_when=FIRST_EXCEPTION)
                for future in finished:
                    future.result()
                watch()
        finally:
            stop[0] = 1


def _check(
    bits: NDArray[np.uint64], care: NDArray[np.uint64], network: XorNetwork, tile_blocks: int
) -> None:
    words = -(-network.n_out // 64)
    for name, array, shape in (
        ("bits", bits, f"(planes, blocks, {words})"),
        ("care", care, f"(blocks, {words})"),
    ):
        if array.dtype != np.uint64 or array.ndim != shape.count(",") + 1:
            raise F2FError(
                f"{name} must be packed",
                expected=f"uint64 {shape}",
                got=f"{array.dtype} {array.shape}",
            )
    if bits.shape[1:] != care.shape or care.shape[1] != words:
        raise F2FError(
            "bits and care must be blocks of the network's n_out",
            expected=f"(planes, blocks, {words}) and (blocks, {words})",
            got=f"{bits.shape} and {care.shape}",
        )
    if tile_blocks < 1:
        raise F2FError("tile length out of range", expected="at least 1 block", got=tile_blocks)
    if network.n_in > max_n_in(network.n_s):
        raise F2FError(
            f"the search at n_s = {network.n_s} takes at most",
            expected=f"n_in <= {max_n_in(network.n_s)} (n_in·n_s <= {MAX_STATE_BITS})",
            got=network.n_in,
            hint="choose a smaller n_in or n_s",
        )
    if network.n_out > 4096:
        raise F2FError("block too long", expected="n_out <= 4096", got=network.n_out)
    if network.n_s and care.size:
        most = int(np.bitwise_count(care).sum(axis=1, dtype=np.int64).max())
        if most * network.n_s > 8192:
            raise F2FError(
                "too many care bits in one block",
                expected=f"at most {8192 // network.n_s}",
                got=most,
                hint="choose a smaller n_out",
            )
