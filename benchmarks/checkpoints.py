"""Try every kind of checkpoint that its own library writes; write checkpoints.json.

    python -m benchmarks.checkpoints [--only WORD ...]

Each kind is made by the library that people make it with: torch, safetensors, onnx, ONNX Runtime's
quantizer, NumPy, compressed-tensors (0.10.2 was the last to write sparse ones). A kind whose library
is not installed keeps its row of an earlier run. What is tried are the commands of f2f-viz:

- list: `tensors` names every tensor, and each holds the numbers that its library wrote;
- encode, verify, decode: the commands of that name end well;
- equal: in the decoded model every coded weight is the original where pruning keeps it and 0
  elsewhere, and every carried tensor has the bytes of the original.
"""

import argparse
import json
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner

import f2f_viz as f2f
from f2f_viz.cli.main import cli
from f2f_viz.codec.bitplanes import to_words
from f2f_viz.files.atomic import write_atomically
from f2f_viz.files.model_file import is_model_file
from f2f_viz.tensors.layer import layer_of
from f2f_viz.tensors.objects import object_entries

OUT = Path(__file__).with_name("checkpoints.json")
RATE = 0.8
RNG = np.random.default_rng(12)
DENSE = {
    "fc1.weight": RNG.normal(size=(96, 64)).astype(np.float32),
    "fc1.bias": RNG.normal(size=96).astype(np.float32),
    "norm.weight": np.ones(96, np.float32),
    "conv.weight": RNG.normal(size=(24, 16, 3, 3)).astype(np.float32),
    "step": np.array(7),
}
Truth = Mapping[str, Any]
"""Names, and the numbers that a library wrote; None where only its bytes are known."""
Make = Callable[[Path], tuple[Path, Truth]]
KINDS: dict[str, tuple[str, Make]] = {}


def kind(name: str, library: str) -> Callable[[Make], Make]:
    """Enter how a kind of checkpoint is made."""

    def enter(make: Make) -> Make:
        KINDS[name] = library, make
        return make

    return enter


# --- PyTorch


def in_torch(dtype: str | None = None) -> dict[str, Any]:
    import torch

    held = {name: torch.from_numpy(array.copy()) for name, array in DENSE.items()}
    if dtype is None:
        return held
    kept = ("fc1.weight", "conv.weight")
    return {name: t.to(getattr(torch, dtype)) if name in kept else t for name, t in held.items()}


def numbers(held: Mapping[str, Any]) -> Truth:
    """Return torch tensors as float64 arrays, by torch itself."""
    import torch

    return {name: tensor.to(torch.float64).numpy() for name, tensor in held.items()}


def state_dict(path: Path, dtype: str | None = None, **how: Any) -> tuple[Path, Truth]:
    import torch

    held = in_torch(dtype)
    torch.save(held, path, **how)
    return path, numbers(held)


for _suffix in (".pt", ".pth", ".bin", ".ckpt"):
    kind(f"state dict, {_suffix}", "torch")(lambda to, s=_suffix: state_dict(to / f"m{s}"))
kind("state dict, legacy format (before 1.6)", "torch")(
    lambda to: state_dict(to / "m.pt", _use_new_zipfile_serialization=False)
)
for _dtype in ("bfloat16", "float16", "float64", "float8_e4m3fn", "float8_e5m2"):
    kind(f"state dict, {_dtype}", "torch")(lambda to, d=_dtype: state_dict(to / "m.pt", d))


@kind("nested checkpoint with an optimizer's state", "torch")
def training(to: Path) -> tuple[Path, Truth]:
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(64, 96), torch.nn.Linear(96, 32))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 64)).sum().backward()
    optimizer.step()
    both = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}
    torch.save(both, to / "m.ckpt")
    return to / "m.ckpt", numbers({f"model.{n}": t for n, t in model.state_dict().items()})


@kind("torch.nn.utils.prune: weight_orig and weight_mask", "torch")
def pruned(to: Path) -> tuple[Path, Truth]:
    import torch
    from torch.nn.utils import prune

    layer = torch.nn.Linear(64, 96)
    prune.l1_unstructured(layer, "weight", 0.7)
    torch.save(layer.state_dict(), to / "m.pt")
    return to / "m.pt", numbers(layer.state_dict())


@kind("torch.nn.utils.parametrize (weight norm)", "torch")
def parametrized(to: Path) -> tuple[Path, Truth]:
    import torch

    layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(64, 96))
    torch.save(layer.state_dict(), to / "m.pt")
    return to / "m.pt", numbers(layer.state_dict())


@kind("quantized tensors (qint8)", "torch")
def quantized(to: Path) -> tuple[Path, Truth]:
    import torch

    weight = torch.quantize_per_tensor(torch.from_numpy(DENSE["fc1.weight"]), 0.05, 0, torch.qint8)
    torch.save({"q.weight": weight, "dense.weight": torch.ones(16, 16)}, to / "m.pt")
    return to / "m.pt", {"q.weight": None, "dense.weight": np.ones((16, 16))}


@kind("sparse tensors (COO)", "torch")
def sparse(to: Path) -> tuple[Path, Truth]:
    import torch

    held = {"w": torch.from_numpy(DENSE["fc1.weight"]), "s": torch.eye(32).to_sparse()}
    torch.save(held, to / "m.pt")
    return to / "m.pt", {"w": DENSE["fc1.weight"], "s": None}


@kind("shards, .bin with an index", "torch")
def torch_shards(to: Path) -> tuple[Path, Truth]:
    import torch

    held = in_torch()
    where = {name: f"pytorch_model-{i % 2}.bin" for i, name in enumerate(held)}
    for file in set(where.values()):
        torch.save({name: held[name] for name in held if where[name] == file}, to / file)
    index = to / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": where}))
    return index, numbers(held)


# --- safetensors


def safetensors(path: Path, dtype: str | None = None) -> tuple[Path, Truth]:
    from safetensors.torch import save_file

    held = in_torch(dtype)
    save_file(held, path, metadata={"format": "pt"})
    return path, numbers(held)


for _dtype in ("float32", "bfloat16", "float16", "float8_e4m3fn", "float8_e5m2"):
    kind(f"one file, {_dtype}", "safetensors")(
        lambda to, d=_dtype: safetensors(to / "model.safetensors", d)
    )


@kind("folder of one file and config.json", "safetensors")
def folder(to: Path) -> tuple[Path, Truth]:
    (to / "model").mkdir()
    (to / "model" / "config.json").write_text("{}")
    return to / "model", safetensors(to / "model" / "model.safetensors")[1]


@kind("shards with an index, as a folder", "safetensors")
def shards(to: Path) -> tuple[Path, Truth]:
    from safetensors.numpy import save_file

    (to / "model").mkdir()
    where = {name: f"model-{i % 3}.safetensors" for i, name in enumerate(DENSE)}
    for file in set(where.values()):
        held = {name: DENSE[name] for name in DENSE if where[name] == file}
        save_file(held, to / "model" / file)
    index = json.dumps({"weight_map": where})
    (to / "model" / "model.safetensors.index.json").write_text(index)
    return to / "model", DENSE


@kind("float4 (F4)", "safetensors")
def four_bits(to: Path) -> tuple[Path, Truth]:
    import torch
    from safetensors.torch import save_file

    octets = torch.from_numpy(RNG.integers(0, 256, (64, 32), dtype=np.uint8))
    save_file({"w": octets.view(torch.float4_e2m1fn_x2)}, to / "m.safetensors")
    grid = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6])
    nibbles = np.stack([octets.numpy() & 15, octets.numpy() >> 4], -1).reshape(64, 64)
    return to / "m.safetensors", {"w": grid[nibbles & 7] * np.where(nibbles & 8, -1, 1)}


@kind("int8 with a scale a channel", "safetensors")
def int8(to: Path) -> tuple[Path, Truth]:
    from safetensors.numpy import save_file

    steps = RNG.integers(-127, 128, (96, 64)).astype(np.int8)
    held = {"l.weight": steps, "l.weight_scale": np.ones((96, 1), np.float32)}
    save_file(held, to / "m.safetensors")
    return to / "m.safetensors", held


@kind("int4 packed eight in a word, zero points and group indices", "safetensors")
def grouped(to: Path) -> tuple[Path, Truth]:
    from safetensors.numpy import save_file

    held = {
        "l.qweight": RNG.integers(-(2**31), 2**31, (16, 96)).astype(np.int32),
        "l.qzeros": np.ones((2, 12), np.int32),
        "l.scales": np.ones((2, 96), np.float16),
        "l.g_idx": np.arange(128, dtype=np.int32),
        "head.weight": DENSE["fc1.weight"],
    }
    save_file(held, to / "m.safetensors")
    return to / "m.safetensors", held


# --- ONNX


def network(*, weights: str = "initializers", raw: bool = True) -> Any:
    """Make an ONNX model of two products and a convolution."""
    from onnx import TensorProto, helper, numpy_helper

    arrays = {"w1": DENSE["fc1.weight"].T.copy(), "k": DENSE["conv.weight"]}

    def tensor(name: str) -> Any:
        array = arrays[name]
        if raw:
            return numpy_helper.from_array(array, name)
        return helper.make_tensor(name, TensorProto.FLOAT, array.shape, array.reshape(-1).tolist())

    made = {name: tensor(name) for name in arrays}
    nodes = [helper.make_node("MatMul", ["x", "w1"], ["y"])]
    nodes += [helper.make_node("Conv", ["image", "k"], ["z"])]
    if weights == "constants":
        nodes = [helper.make_node("Constant", [], [n], value=t) for n, t in made.items()] + nodes
    graph = helper.make_graph(
        nodes,
        "g",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 64]),
            helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 16, 8, 8]),
        ],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 96]),
            helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 24, 6, 6]),
        ],
        list(made.values()) if weights == "initializers" else [],
    )
    opset = helper.make_opsetid("", 21)
    return helper.make_model(graph, opset_imports=[opset], ir_version=10), arrays


def onnx_file(path: Path, how: Mapping[str, Any], **save: Any) -> tuple[Path, Truth]:
    import onnx

    model, arrays = network(**how)
    onnx.save(model, path, **save)
    return path, arrays


kind("initializers as raw data", "onnx")(lambda to: onnx_file(to / "m.onnx", {}))
kind("initializers as numbers", "onnx")(lambda to: onnx_file(to / "m.onnx", {"raw": False}))
kind("constant nodes", "onnx")(lambda to: onnx_file(to / "m.onnx", {"weights": "constants"}))
kind("data in a file beside it", "onnx")(
    lambda to: onnx_file(
        to / "m.onnx", {}, save_as_external_data=True, location="m.data", size_threshold=0
    )
)


@kind("weights in the branches of an If", "onnx")
def branches(to: Path) -> tuple[Path, Truth]:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    arrays = {"w_then": DENSE["fc1.weight"], "w_else": -DENSE["fc1.weight"]}
    places = {"w_then": "If_0/then_branch/w_then", "w_else": "If_0/else_branch/w_else"}

    def branch(name: str) -> Any:
        node = helper.make_node("Identity", [name], [f"{name}_out"])
        out = helper.make_tensor_value_info(f"{name}_out", TensorProto.FLOAT, [96, 64])
        return helper.make_graph(
            [node], name, [], [out], [numpy_helper.from_array(arrays[name], name)]
        )

    node = helper.make_node(
        "If", ["which"], ["y"], then_branch=branch("w_then"), else_branch=branch("w_else")
    )
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("which", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [96, 64])],
    )
    onnx.save(helper.make_model(graph), to / "m.onnx")
    return to / "m.onnx", {places[name]: array for name, array in arrays.items()}


def onnx_typed(to: Path, dtype: str) -> tuple[Path, Truth]:
    import ml_dtypes
    import onnx
    from onnx import helper, numpy_helper

    held = {"w": RNG.integers(-2, 2, (64, 64)).astype(getattr(ml_dtypes, dtype))}
    graph = helper.make_graph([], "g", [], [], [numpy_helper.from_array(held["w"], "w")])
    onnx.save(helper.make_model(graph), to / "m.onnx")
    return to / "m.onnx", held


for _dtype in ("int4", "bfloat16", "float8_e4m3fn", "float4_e2m1fn"):
    kind(f"initializers of {_dtype}", "onnx")(lambda to, d=_dtype: onnx_typed(to, d))


# --- ONNX Runtime's quantizer


def runtime(to: Path, quantize: Callable[[Path, Path], None]) -> tuple[Path, Truth]:
    import onnx

    onnx.save(network()[0], to / "f.onnx")
    quantize(to / "f.onnx", to / "m.onnx")
    model = onnx.load(to / "m.onnx")
    tensors = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    return to / "m.onnx", tensors


@kind("dynamic quantization, int8", "onnxruntime")
def dynamic(to: Path) -> tuple[Path, Truth]:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    return runtime(to, lambda a, b: quantize_dynamic(a, b, weight_type=QuantType.QInt8))


@kind("static quantization, QDQ, int8 a channel", "onnxruntime")
def static(to: Path) -> tuple[Path, Truth]:
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            shapes = {"x": (1, 64), "image": (1, 16, 8, 8)}
            draw = {name: RNG.normal(size=shape) for name, shape in shapes.items()}
            self.left = [{name: array.astype(np.float32) for name, array in draw.items()}]

        def get_next(self) -> Any:
            return self.left.pop() if self.left else None

    return runtime(
        to,
        lambda a, b: quantize_static(a, b, Reader(), per_channel=True, weight_type=QuantType.QInt8),
    )


@kind("blocks of int4 (MatMulNBits)", "onnxruntime")
def n_bits(to: Path) -> tuple[Path, Truth]:
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    def quantize(source: Path, target: Path) -> None:
        own = MatMulNBitsQuantizer(onnx.load(source), block_size=32)
        own.process()
        own.model.save_model_to_file(str(target))

    return runtime(to, quantize)


# --- NumPy


@kind(".npy", "numpy")
def npy(to: Path) -> tuple[Path, Truth]:
    np.save(to / "m.npy", DENSE["fc1.weight"])
    return to / "m.npy", {"m": DENSE["fc1.weight"]}


@kind(".npy, Fortran order, big-endian", "numpy")
def npy_fortran(to: Path) -> tuple[Path, Truth]:
    np.save(to / "m.npy", np.asfortranarray(DENSE["fc1.weight"].astype(">f4")))
    return to / "m.npy", {"m": DENSE["fc1.weight"]}


@kind(".npz", "numpy")
def npz(to: Path) -> tuple[Path, Truth]:
    np.savez(to / "m.npz", **DENSE)
    return to / "m.npz", DENSE


@kind(".npz, compressed", "numpy")
def npz_compressed(to: Path) -> tuple[Path, Truth]:
    np.savez_compressed(to / "m.npz", **DENSE)
    return to / "m.npz", DENSE


@kind(".npz with Python objects", "numpy")
def npz_objects(to: Path) -> tuple[Path, Truth]:
    np.savez(to / "m.npz", w=DENSE["fc1.weight"], names=np.array(["a", None], object))
    return to / "m.npz", {"w": DENSE["fc1.weight"], "names": None}


# --- compressed-tensors


def compressed(
    to: Path, held: Mapping[str, Any], truth: Truth, **config: Any
) -> tuple[Path, Truth]:
    """Write a folder as the library's users have it."""
    import torch
    from safetensors.torch import save_file

    (to / "model").mkdir()
    held = held | {"l.bias": torch.ones(96)}
    save_file(
        {name: tensor.contiguous() for name, tensor in held.items()},
        to / "model" / "model.safetensors",
    )
    config = {"quant_method": "compressed-tensors", **config}
    (to / "model" / "config.json").write_text(json.dumps({"quantization_config": config}))
    return to / "model", truth


def sparse_weight(dtype: str) -> Any:
    import torch

    weight = DENSE["fc1.weight"] * f2f.prune(DENSE["fc1.weight"], 0.7)
    return torch.from_numpy(weight).to(getattr(torch, dtype))


for _dtype in ("float32", "bfloat16", "float8_e4m3fn"):

    @kind(f"sparse-bitmask, {_dtype}", "compressed-tensors")
    def bitmask(to: Path, dtype: str = _dtype) -> tuple[Path, Truth]:
        from compressed_tensors.compressors.sparse_compressors.sparse_bitmask import BitmaskTensor

        weight = sparse_weight(dtype)
        held = BitmaskTensor.from_dense(weight).dict("l")
        return compressed(
            to, held, numbers({"l.weight": weight}), sparsity_config={"format": "sparse-bitmask"}
        )

    @kind(f"sparse-24-bitmask, {_dtype}", "compressed-tensors")
    def two_of_four(to: Path, dtype: str = _dtype) -> tuple[Path, Truth]:
        import torch
        from compressed_tensors.compressors.sparse_compressors.sparse_24_bitmask import (
            Sparse24BitMaskTensor,
        )

        weight = torch.from_numpy(DENSE["fc1.weight"]).to(getattr(torch, dtype))
        own = Sparse24BitMaskTensor.from_dense(weight)
        return compressed(
            to, own.dict("l"), numbers({"l.weight": own.decompress()}),
            sparsity_config={"format": "sparse-24-bitmask"},
        )  # fmt: skip


@kind("pack-quantized, int4 in groups", "compressed-tensors")
def pack_quantized(to: Path) -> tuple[Path, Truth]:
    import torch

    try:  # where it was until version 0.10
        from compressed_tensors.compressors.quantized_compressors.pack_quantized import (
            pack_to_int32,
        )
    except ImportError:
        from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32

    steps = torch.from_numpy(RNG.integers(-8, 8, (96, 64)).astype(np.int8))
    held = {
        "l.weight_packed": pack_to_int32(steps, 4),
        "l.weight_scale": torch.ones(96, 2),
        "l.weight_shape": torch.tensor(steps.shape),
    }
    truth = {"l.weight_packed": steps.numpy(), "l.weight_scale": np.ones((96, 2))}
    return compressed(to, held, truth, format="pack-quantized")


@kind("int-quantized, and float-quantized (fp8)", "compressed-tensors")
def plainly_quantized(to: Path) -> tuple[Path, Truth]:
    import torch

    held = {
        "a.weight": torch.from_numpy(RNG.integers(-127, 128, (96, 64)).astype(np.int8)),
        "a.weight_scale": torch.ones(96, 1),
        "b.weight": torch.from_numpy(DENSE["fc1.weight"]).to(torch.float8_e4m3fn),
        "b.weight_scale": torch.ones(1),
    }
    return compressed(to, held, numbers(held), format="int-quantized")


# --- what is tried


def command(*arguments: Any) -> str:
    """Run a command of f2f-viz; what goes wrong is raised."""
    ended = CliRunner().invoke(cli, list(map(str, arguments)))
    if ended.exception is not None:
        raise ended.exception
    return ended.stdout


def is_listed(path: Path, truth: Truth) -> bool:
    names = {tensor["name"] for tensor in json.loads(command("tensors", "--json", path))}
    entries = object_entries(path)
    return truth.keys() <= names and all(
        np.array_equal(entries[name].read().astype(np.float64), np.asarray(wanted, np.float64))
        for name, wanted in truth.items()
        if wanted is not None
    )


def is_equal(path: Path, back: Path, coded: set[str]) -> bool:
    """Compare what was decoded with the original, tensor by tensor."""
    found, decoded = object_entries(path), object_entries(back)
    if len(found) == 1:
        decoded = dict(zip(found, decoded.values(), strict=True))
    return all(same(entry, decoded[name], name in coded) for name, entry in found.items())


def same(entry: Any, decoded: Any, coded: bool) -> bool:
    if not coded:
        return b"".join(entry.pieces()) == b"".join(decoded.pieces())
    layer, back = layer_of(entry), decoded.read()
    if back.dtype != layer.weights.dtype:  # one layer, of numbers smaller than a byte
        back = back.astype(layer.weights.dtype)
    words, got = to_words(layer.weights), to_words(back)
    if entry.mask is None:
        words = words * f2f.prune(layer.weights, RATE).reshape(-1)
    return bool(np.array_equal(got, words))


def try_one(make: Make, folder: Path) -> dict[str, Any]:
    """Try all commands; the first that goes wrong leaves its words."""
    path, truth = make(folder)
    row: dict[str, Any] = dict.fromkeys(("list", "encode", "verify", "decode", "equal"), False)
    out, back = folder / "out.f2f", folder / "back"
    back.mkdir()
    try:
        row["tensors"] = len(object_entries(path))
        row["list"] = is_listed(path, truth)
        said = command("encode", path, "-o", out, "--rate", RATE, "--json")
        row["encode"] = True
        model = is_model_file(out)
        coded = {layer["name"] for layer in json.loads(said)["layers"]} if model else set(truth)
        row["coded"] = len(coded)
        command("verify", out)
        row["verify"] = True
        backs = [back / "m.safetensors"]
        if path.suffix == ".onnx" and model:
            backs.append(back / "m.onnx")
        for one in backs:
            command("decode", out, "-o", one)
        row["decode"] = True
        row["equal"] = all(is_equal(path, one, coded) for one in backs)
    except f2f.F2FError as problem:
        row["words"] = str(problem).replace(f"{folder}/", "")
    return row


def rows(only: list[str]) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Yield each kind and its row, None where its library is not there."""
    for name, (library, make) in KINDS.items():
        if only and not any(word in f"{library} {name}" for word in only):
            continue
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                own = {"kind": name, "library": library, "version": version(library)}
                yield f"{library}: {name}", own | try_one(make, Path(folder))
            except (ImportError, PackageNotFoundError) as problem:
                print(f"{library}: {name}: not made: {problem}")
                yield f"{library}: {name}", None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="*", default=[], help="words of kinds to try")
    chosen = parser.parse_args()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    known = (
        {f"{row['library']}: {row['kind']}": row for row in json.loads(OUT.read_text())}
        if OUT.exists()
        else {}
    )
    for name, row in rows(chosen.only):
        if row is not None:
            known[name] = row
            print(name, {key: row[key] for key in row if key not in ("kind", "library")})
    order = [f"{library}: {name}" for name, (library, _) in KINDS.items()]
    table = [known[name] for name in order if name in known]
    write_atomically(OUT, (json.dumps(table, indent=1, ensure_ascii=False) + "\n").encode())


if __name__ == "__main__":
    main()
