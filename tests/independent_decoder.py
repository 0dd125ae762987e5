"""A second decoder of .f2f files, written from docs/format.md alone: it shares no code with f2f_viz.

``python tests/independent_decoder.py FILE`` prints the SHA-256 of the decoded weights.
"""

import hashlib
import json
import sys
from math import gcd
from pathlib import Path

import numpy as np

PARTS = ("mask", "matrix", "ranks", "scales", "symbols", "corrections")
WORD_BITS = {"float64": 64, "float32": 32, "float16": 16, "bfloat16": 16, "int8": 8, "uint8": 8, "int4": 4}  # fmt: skip
FIELD = {"float64": (52, 11), "float32": (23, 8), "float16": (10, 5), "bfloat16": (7, 8)}


def bits_of(data, count=None):
    return np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little", count=count).tolist()


def number(bits):
    return sum(bit << i for i, bit in enumerate(bits))


def frame(data):
    """Section 9: the metadata and the tensors of a safetensors file."""
    length = int.from_bytes(data[:8], "little")
    entries = json.loads(data[8 : 8 + length])
    metadata, body = entries.pop("__metadata__", {}), data[8 + length :]
    return metadata, {name: body[slice(*e["data_offsets"])] for name, e in entries.items()}


class Numbers:
    """Section 1: whole numbers of seven bits a byte, one after another."""

    def __init__(self, data, at):
        self.data, self.at = data, at

    def take(self, count):
        self.at += count
        assert self.at <= len(self.data)
        return self.data[self.at - count : self.at]

    def next(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value


def read(data):
    """Sections 1 and 2: the header and the bit strings, checked by the digest."""
    assert data[:5] == b"\x89F2F\x01"
    assert hashlib.sha256(data[:-32]).digest() == data[-32:], "damaged"
    file = Numbers(data[:-32], 5)
    head = {"dtype": list(WORD_BITS)[file.next()]}
    head["shape"] = [file.next() for _ in range(file.next())]
    code = {"n_in": file.next(), "n_s": file.next(), "n_out": file.next()}
    code["order"] = ("interleaved", "row")[file.next()]
    code["coding"] = ("rank", "chunk", "slots")[file.next()]
    code["mask_coding"] = ("range", "bitmap", "rice")[file.next()]
    code["matrix"], code["seed"] = file.next(), file.next()
    code["weights"] = [file.next() - 1 for _ in range(file.next())]
    head |= {"code": code, "recoded": file.next() >> 4}
    head |= {name: file.next() for name in ("n_out", "tile_blocks", "kept")}
    sizes = {name: file.next() for name in ("mask", "ranks", "scales")}
    planes = WORD_BITS[head["dtype"]]
    for name in ("zero_rate", "inverted"):
        head[name] = bits_of(file.take(-(-planes // 8)), planes)
    table = [[file.next(), file.next(), file.next()] for _ in range(planes)]
    head |= dict(zip(("counts", "parameters", "lengths"), zip(*table, strict=True), strict=True))
    head["sha256"] = file.take(32).hex()
    sizes["matrix"] = -(-head["n_out"] * code["n_in"] * (code["n_s"] + 1) // 8)
    sizes["corrections"] = sum(head["lengths"])
    sizes["symbols"] = len(file.data) - file.at - sum(sizes.values())
    return head, {name: file.take(sizes[name]) for name in PARTS}


def range_decode(data, kept, size):
    """Section 3: `size` flags from a range coder of 32-bit words and 64-bit state."""
    words = [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]
    cut = int((1.0 - kept / size) * 16777214.0) + 1
    full = (1 << 64) - 1
    words = iter(words + [0] * (size + 2))
    lower, width, point = 0, full, next(words) << 32 | next(words)
    flags = []
    for _ in range(size):
        scale = width >> 24
        flag = ((point - lower) & full) // scale >= cut
        flags.append(flag)
        lower = (lower + scale * (cut if flag else 0)) & full
        width = scale * ((1 << 24) - cut if flag else cut)
        if width < 1 << 32:
            lower, width = lower << 32 & full, width << 32
            point = (point << 32 | next(words)) & full
    return flags


def rice_decode(data, count, k):
    """Section 6: increasing numbers, the quotients of their gaps first, then the remainders."""
    bits, at, last, quotients, found = bits_of(data), 0, -1, [], []
    for _ in range(count):
        end = bits.index(1, at)
        quotients.append(end - at)
        at = end + 1
    for quotient in quotients:
        last += (quotient << k) + number(bits[at : at + k]) + 1
        at += k
        found.append(last)
    return found


def mask_of(head, data, size):
    kept = head["kept"]
    if head["code"]["mask_coding"] == "bitmap":
        return [bit == 1 for bit in bits_of(data, size)]
    if kept in (0, size):
        return [kept > 0] * size
    if head["code"]["mask_coding"] == "rice":
        listed = set(rice_decode(data[1:], min(kept, size - kept), data[0]))
        return [(w in listed) == (2 * kept <= size) for w in range(size)]
    return range_decode(data, head["kept"], size)


def evenness(blocks, shape, n_out):
    """Section 4: how evenly steps of l fall on the periods of the shape."""
    period, least = 1, 1000
    for n in reversed(shape[1:]):
        period *= n
        for k in range(1, min(n_out, period)):
            near = min(k * blocks % period, -k * blocks % period)
            least = min(least, 1000 * k * near // period)
    return least


def weight_of(head, size):
    """Section 4: the weight of bit i of block t, as a function."""
    n_out = head["n_out"]
    blocks = -(-size // n_out)
    if head["code"]["order"] == "row":
        return blocks, lambda t, i: t * n_out + i
    best = -1
    for tried in range(blocks, blocks + min(blocks // 50, 4096) + 1):
        even = evenness(tried, head["shape"], n_out)
        if min(even, 200) > best:
            best, blocks = even, tried
    step = 1 if blocks < 3 else -(-618 * blocks // 1000)
    while gcd(step, blocks) > 1:
        step += 1
    return blocks, lambda t, i: i * blocks + t * step % blocks


def corrections_of(head, data, plane, plane_bits):
    """Section 6: which care bits (rank), or which bits (chunk), of a plane to flip."""
    bits, count = bits_of(data), head["counts"][plane]
    if head["code"]["coding"] == "rank":
        return rice_decode(data, count, head["parameters"][plane])
    if head["code"]["coding"] == "slots":
        slots, w = divmod(head["parameters"][plane], 256)
        end, last, found = slots * w, -1, []
        for at in range(0, end, w):
            value = number(bits[at : at + w])
            if value <= 2**w - 2:
                last += min(value + 1, 2**w - 2)
            if value < 2**w - 2:
                found.append(last)
        tail = range(end, end + 32 * (count - len(found)), 32)
        return found + [number(bits[at : at + 32]) for at in tail]
    found, at = [], 0
    for chunk in range(-(-plane_bits // 512)):
        while bits[at]:
            found.append(512 * chunk + number(bits[at + 1 : at + 10]))
            at += 10
        at += 1
    assert len(found) == count
    return found


def decode(data):
    """Sections 2 to 8: return the decoded weights as unsigned words, and the file's header."""
    head, parts = read(data)
    size, n_in, n_out = (
        int(np.prod(head["shape"], dtype=object)),
        head["code"]["n_in"],
        head["n_out"],
    )
    mask = mask_of(head, parts["mask"], size)
    assert sum(mask) == head["kept"]
    blocks, weight = weight_of(head, size)
    where = [weight(t, i) for t in range(blocks) for i in range(n_out)]
    care = [at for at, w in enumerate(where) if w < size and mask[w]]
    columns = n_in * (head["code"]["n_s"] + 1)
    rows = np.array(bits_of(parts["matrix"], n_out * columns), int).reshape(n_out, columns)
    digits, planes = iter(bits_of(parts["symbols"])), WORD_BITS[head["dtype"]]
    words, start = [0] * size, 0
    for p in range(planes):
        symbols = np.zeros((blocks, n_in), int)
        if not head["zero_rate"][p]:
            symbols = np.array([next(digits) for _ in range(blocks * n_in)], int)
        register = np.zeros((head["code"]["n_s"] + 1, n_in), int)
        plane = []
        for t, symbol in enumerate(symbols.reshape(blocks, n_in)):
            if t % head["tile_blocks"] == 0:
                register[:] = 0
            register = np.vstack([symbol, register[:-1]])
            plane.extend(rows @ register.reshape(-1) % 2 ^ head["inverted"][p])
        end = start + head["lengths"][p]
        for at in corrections_of(head, parts["corrections"][start:end], p, blocks * n_out):
            plane[care[at] if head["code"]["coding"] != "chunk" else at] ^= 1
        start = end
        for at in care:
            words[where[at]] |= int(plane[at]) << (planes - 1 - p)
    if head["recoded"]:
        shift, width = FIELD.get(head["dtype"], (0, planes))
        low = ((1 << width) - 1) << shift
        ranks = np.frombuffer(parts["ranks"], "<u2").tolist()
        for w in range(size):
            if mask[w]:
                words[w] = words[w] & ~low | ranks[(words[w] & low) >> shift] << shift
    itemsize = max(planes // 8, 1)
    raw = b"".join(word.to_bytes(itemsize, "little") for word in words)
    assert hashlib.sha256(raw).hexdigest() == head["sha256"], "not the weights that were encoded"
    return raw, head


def decode_model(data):
    """Section 9: return the bytes of the model as a safetensors file."""
    metadata, parts = frame(data)
    assert metadata["f2f_model"] == "1"
    digest = parts["f2f-model:digest"]
    assert data.endswith(digest)
    assert hashlib.sha256(data[:-32]).digest() == digest, "damaged"
    header = parts["f2f-model:header"]
    entries = {name: e for name, e in json.loads(header).items() if name != "__metadata__"}
    out = [len(header).to_bytes(8, "little"), header]
    for name in sorted(entries, key=lambda name: entries[name]["data_offsets"]):
        out.append(parts[name] if name in parts else decode(parts["f2f:" + name])[0])
    return b"".join(out)


if __name__ == "__main__":
    print(hashlib.sha256(decode(Path(sys.argv[1]).read_bytes())[0]).hexdigest())
