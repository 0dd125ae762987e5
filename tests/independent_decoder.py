"""A second decoder of .f2f files, written from docs/format.md alone: it shares no code with f2f_viz.

``python tests/independent_decoder.py FILE`` prints the SHA-256 of the decoded weights.
"""

import hashlib
import json
import sys
import zlib
from math import gcd
from pathlib import Path

import numpy as np

WORD_BITS = {"float64": 64, "float32": 32, "float16": 16, "bfloat16": 16, "int8": 8, "uint8": 8, "int4": 4,
             "float8_e4m3fn": 8, "float8_e5m2": 8, "float4_e2m1fn": 4, "uint4": 4, "int2": 2, "uint2": 2}  # fmt: skip
DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I8": "int8", "U8": "uint8",
          "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"}  # fmt: skip
FIELD = {"float64": (52, 11), "float32": (23, 8), "float16": (10, 5), "bfloat16": (7, 8),
         "float8_e4m3fn": (3, 4), "float8_e5m2": (2, 5), "float4_e2m1fn": (1, 2)}  # fmt: skip
SIZES = {"F64": 8, "I64": 8, "U64": 8, "C64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2}  # fmt: skip


def bits_of(data, count=None):
    return np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little", count=count).tolist()


def number(bits):
    return sum(bit << i for i, bit in enumerate(bits))


class Numbers:
    """Section 1: numbers, flags and columns, one after another."""

    def __init__(self, data, at=0):
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

    def flags(self, count):
        return bits_of(self.take(-(-count // 8)), count)

    def column(self, count):
        k, at, value, found = self.take(1)[0], 0, 0, []
        bits = bits_of(self.data[self.at : self.at + 17 * count])
        for _ in range(count):
            end = bits.index(1, at)
            n = k + end - at
            v = number(bits[end + 1 : end + 1 + n]) + 2**n - 2**k
            value += -(v + 1) // 2 if v % 2 else v // 2
            found.append(value)
            at = end + 1 + n
        self.take(-(-at // 8))
        return found


def scheme_of(file, earlier):
    """Section 2: how a layer is coded."""
    scheme = {"n_in": file.next(), "n_s": file.next(), "asked": file.next()}
    scheme["order"] = ("interleaved", "row")[file.next()]
    scheme["coding"] = ("rank", "chunk", "slots")[file.next()]
    scheme["mask_coding"] = ("range", "bitmap", "rice")[file.next()]
    scheme["matrix"], scheme["seed"] = file.next(), file.next()
    scheme["weights"] = [file.next() for _ in range(file.next())]
    scheme["flags"] = file.next()
    scheme |= {name: file.next() for name in ("n_out", "tile_blocks")}
    columns = scheme["n_in"] * (scheme["n_s"] + 1)
    count, shared = scheme["n_out"] * columns, file.next()
    if shared:
        rows = earlier[shared - 1]["rows"][: scheme["n_out"]]
    else:
        rows = np.array(bits_of(file.take(-(-count // 8)), count), int).reshape(-1, columns)
    return scheme | {"rows": rows}


def head_of(file, planes):
    """Section 3: what stands before a layer's bit strings."""
    head = {name: file.next() for name in ("kept", "mask", "ranks", "scales")}
    head |= {name: file.flags(planes) for name in ("zero_rate", "inverted")}
    head |= {name: file.column(planes) for name in ("counts", "parameters")}
    return head | {"checksum": file.take(8).hex()}


def range_decode(data, kept, size):
    """Section 4: `size` flags from a range coder of 32-bit words and 64-bit state."""
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


def rice_decode(bits, count, k):
    """Section 7: increasing numbers, the quotients of their gaps first, then the remainders."""
    at, last, quotients, found = 0, -1, [], []
    for _ in range(count):
        end = bits.index(1, at)
        quotients.append(end - at)
        at = end + 1
    for quotient in quotients:
        last += (quotient << k) + number(bits[at : at + k]) + 1
        at += k
        found.append(last)
    return found, at


def mask_of(scheme, kept, data, size):
    if scheme["mask_coding"] == "bitmap":
        return [bit == 1 for bit in bits_of(data, size)]
    if kept in (0, size):
        return [kept > 0] * size
    if scheme["mask_coding"] == "rice":
        listed = set(rice_decode(bits_of(data[1:]), min(kept, size - kept), data[0])[0])
        return [(w in listed) == (2 * kept <= size) for w in range(size)]
    return range_decode(data, kept, size)


def evenness(blocks, shape, n_out):
    """Section 5: how evenly steps of l fall on the periods of the shape."""
    period, least = 1, 1000
    for n in reversed(shape[1:]):
        period *= n
        for k in range(1, min(n_out, period)):
            near = min(k * blocks % period, -k * blocks % period)
            least = min(least, 1000 * k * near // period)
    return least


def weight_of(scheme, shape, size):
    """Section 5: the weight of bit i of block t, as a function."""
    n_out = scheme["n_out"]
    blocks = -(-size // n_out)
    if scheme["order"] == "row":
        return blocks, lambda t, i: t * n_out + i
    best = -1
    for tried in range(blocks, blocks + min(blocks // 50, 4096) + 1):
        even = evenness(tried, shape, n_out)
        if min(even, 200) > best:
            best, blocks = even, tried
    step = 1 if blocks < 3 else -(-618 * blocks // 1000)
    while gcd(step, blocks) > 1:
        step += 1
    return blocks, lambda t, i: i * blocks + t * step % blocks


def corrections_of(coding, bits, count, parameter, plane_bits):
    """Section 7: which care bits (rank), or which bits (chunk), of a plane to flip; bits taken."""
    if coding == "rank":
        return rice_decode(bits, count, parameter)
    if coding == "slots":
        slots, w = divmod(parameter, 256)
        end, last, found = slots * w, -1, []
        for at in range(0, end, w):
            value = number(bits[at : at + w])
            if value <= 2**w - 2:
                last += min(value + 1, 2**w - 2)
            if value < 2**w - 2:
                found.append(last)
        tail = range(end, end + 32 * (count - len(found)), 32)
        found += [number(bits[at : at + 32]) for at in tail]
        return found, end + 32 * len(tail)
    found, at = [], 0
    for chunk in range(-(-plane_bits // 512)):
        while bits[at]:
            found.append(512 * chunk + number(bits[at + 1 : at + 10]))
            at += 10
        at += 1
    assert len(found) == count
    return found, at


def body(dtype, shape, scheme, data):
    """Sections 3 to 9: return the decoded weights as the bytes of unsigned words."""
    planes, file = WORD_BITS[dtype], Numbers(data)
    head = head_of(file, planes)
    size, n_in, n_out = int(np.prod(shape, dtype=object)), scheme["n_in"], scheme["n_out"]
    mask = mask_of(scheme, head["kept"], file.take(head["mask"]), size)
    assert sum(mask) == head["kept"]
    shift, width = FIELD.get(dtype, (0, planes))
    known = max(head["ranks"] - 1, 0)
    ranks = bits_of(file.take(-(-known * width // 8)))
    ranks = [number(ranks[at : at + width]) for at in range(0, known * width, width)]
    file.take(4 * head["scales"])
    blocks, weight = weight_of(scheme, shape, size)
    where = [weight(t, i) for t in range(blocks) for i in range(n_out)]
    care = [at for at, w in enumerate(where) if w < size and mask[w]]
    stored = head["zero_rate"].count(0) * blocks * n_in
    digits = iter(bits_of(file.take(-(-stored // 8))))
    words = [0] * size
    for p in range(planes):
        symbols = np.zeros((blocks, n_in), int)
        if not head["zero_rate"][p]:
            symbols = np.array([next(digits) for _ in range(blocks * n_in)], int)
        register = np.zeros((scheme["n_s"] + 1, n_in), int)
        plane = []
        for t, symbol in enumerate(symbols.reshape(blocks, n_in)):
            if t % scheme["tile_blocks"] == 0:
                register[:] = 0
            register = np.vstack([symbol, register[:-1]])
            plane.extend(scheme["rows"] @ register.reshape(-1) % 2 ^ head["inverted"][p])
        found, used = corrections_of(
            scheme["coding"], bits_of(data[file.at :]), head["counts"][p], head["parameters"][p],
            blocks * n_out,
        )  # fmt: skip
        file.take(-(-used // 8))
        for at in found:
            plane[care[at] if scheme["coding"] != "chunk" else at] ^= 1
        for at in care:
            words[where[at]] |= int(plane[at]) << (planes - 1 - p)
    assert file.at == len(data)
    if head["ranks"]:
        low = ((1 << width) - 1) << shift
        for w in range(size):
            if mask[w]:
                words[w] = words[w] & ~low | ranks[(words[w] & low) >> shift] << shift
    itemsize = max(planes // 8, 1)
    raw = b"".join(word.to_bytes(itemsize, "little") for word in words)
    digest = hashlib.sha256(raw).hexdigest()
    assert digest.startswith(head["checksum"]), "not the weights that were encoded"
    return raw


def opened(data, magic):
    """Sections 1 and 10: a file behind its version, checked by its digest."""
    assert data[:5] == magic + b"\x01"
    assert hashlib.sha256(data[:-32]).digest() == data[-32:], "damaged"
    return Numbers(data[:-32], 5)


def decode(data):
    """Sections 1 to 9: return the decoded weights of the file of a layer as bytes."""
    file = opened(data, b"\x89F2F")
    dtype = list(WORD_BITS)[file.next()]
    shape = [file.next() for _ in range(file.next())]
    file.take(file.next()).decode()  # the tensor's name
    scheme = scheme_of(file, [])
    return body(dtype, shape, scheme, file.data[file.at :])


def decode_model(data):
    """Section 10: return the bytes of the model as a safetensors file."""
    file = opened(data, b"\x89F2M")
    end = file.next() + file.at
    texts = []
    for _ in range(2):
        size = file.next()
        texts.append(zlib.decompress(file.take(file.next())))
        assert len(texts[-1]) == size
    assert file.at == end
    index = Numbers(texts[0])
    header = index.take(index.next())
    if header.count(b'"data_offsets":[]'):
        at = 0
        for name, e in json.loads(header).items():
            if name != "__metadata__":
                stop = at + int(np.prod(e["shape"], dtype=object)) * SIZES.get(e["dtype"], 1)
                offsets = b'"data_offsets":[%d,%d]' % (at, stop)
                header, at = header.replace(b'"data_offsets":[]', offsets, 1), stop
    schemes = []
    for _ in range(index.next()):
        schemes.append(scheme_of(index, schemes))
    entries = {name: e for name, e in json.loads(header).items() if name != "__metadata__"}
    tensors = sorted(entries.values(), key=lambda e: e["data_offsets"])
    ways = []
    for e in tensors:
        which, (begin, stop) = index.next(), e["data_offsets"]
        ways.append((which, index.next() if which else stop - begin))
    assert index.at == len(index.data)
    out = [len(header).to_bytes(8, "little"), header]
    for e, (which, size) in zip(tensors, ways, strict=True):
        own = file.take(size)
        out.append(body(DTYPES[e["dtype"]], e["shape"], schemes[which - 1], own) if which else own)
    assert file.at == len(file.data)
    return b"".join(out)


if __name__ == "__main__":
    print(hashlib.sha256(decode(Path(sys.argv[1]).read_bytes())).hexdigest())
