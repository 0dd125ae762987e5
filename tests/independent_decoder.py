"""A second decoder of .f2f files, written from docs/format.md alone: it shares no code with f2f_viz.

``python tests/independent_decoder.py FILE`` prints the SHA-256 of the decoded weights.
"""

import hashlib
import json
import sys
from math import gcd
from pathlib import Path

import numpy as np

TENSORS = ("mask", "matrix", "symbols", "corrections", "ranks")
WORD_BITS = {"float64": 64, "float32": 32, "float16": 16, "bfloat16": 16, "int8": 8, "uint8": 8, "int4": 4}  # fmt: skip
FIELD = {"float64": (52, 11), "float32": (23, 8), "float16": (10, 5), "bfloat16": (7, 8)}


def bits_of(data, count=None):
    return np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little", count=count).tolist()


def number(bits):
    return sum(bit << i for i, bit in enumerate(bits))


def frame(data):
    """Section 1: the metadata and the tensors of a safetensors file."""
    length = int.from_bytes(data[:8], "little")
    entries = json.loads(data[8 : 8 + length])
    metadata, body = entries.pop("__metadata__", {}), data[8 + length :]
    return metadata, {name: body[slice(*e["data_offsets"])] for name, e in entries.items()}


def read(data):
    """Section 1: the header and the tensors, checked by the digest."""
    metadata, parts = frame(data)
    assert set(parts) - {"scales"} == set(TENSORS)
    body = b"".join(parts.get(t, b"") for t in (*TENSORS, "scales"))
    digest = hashlib.sha256(metadata["f2f"].encode() + body)
    assert digest.hexdigest() == metadata["digest"], "damaged"
    return json.loads(metadata["f2f"]), parts


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
    assert head["version"] == 1
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
