"""Loading PyTorch checkpoints, ONNX models and folders of shards."""

import collections
import json
import os
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import f2f_viz as f2f
from f2f_viz.codec.bitplanes import DTYPES
from f2f_viz.errors import F2FError
from f2f_viz.files.onnx_frame import write_onnx
from f2f_viz.tensors.layer import list_tensors, load_layer

RNG = np.random.default_rng(1)
WEIGHTS = {
    name: RNG.integers(0, 256, (6, 5 * DTYPES[name].itemsize), np.uint8).view(DTYPES[name])
    for name in ("float64", "float32", "float16", "bfloat16", "int8", "uint8")
}
INT4 = RNG.integers(-8, 8, (3, 5)).astype(DTYPES["int4"])


def same_bits(a, b):
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    assert a.tobytes() == b.tobytes()


# PyTorch


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def to_torch(torch, array):
    if array.dtype == DTYPES["bfloat16"]:
        return torch.from_numpy(array.view(np.int16).copy()).view(torch.bfloat16)
    return torch.from_numpy(array.copy())


def test_torch_dtypes(torch, tmp_path):
    path = tmp_path / "m.pth"
    torch.save({name: to_torch(torch, array) for name, array in WEIGHTS.items()}, path)
    assert [info.name for info in list_tensors(path)] == list(WEIGHTS)
    for info in list_tensors(path):
        assert (info.dtype, info.shape) == (info.name, WEIGHTS[info.name].shape)
        same_bits(load_layer(path, info.name).weights, WEIGHTS[info.name])


def test_torch_nested_shared_transposed_and_cyclic(torch, tmp_path):
    weight = torch.arange(6.0).reshape(2, 3)
    inner = collections.OrderedDict(weight=torch.nn.Parameter(weight), turned=weight.T)
    content = {"epoch": 3, "model": inner, "again": inner, "list": [weight[1:]], "x": "text"}
    content["self"] = content
    path = tmp_path / "m.pt"
    torch.save(content, path)
    assert [i.name for i in list_tensors(path)] == ["model.weight", "model.turned", "list.0"]
    same_bits(load_layer(path, "model.turned").weights, np.ascontiguousarray(weight.numpy().T))
    same_bits(load_layer(path, "list.0").weights, weight.numpy()[1:])


def test_torch_bare_tensor_is_named_after_the_file(torch, tmp_path):
    torch.save(torch.ones(2, 2), tmp_path / "w.pt")
    assert load_layer(tmp_path / "w.pt").name == "w"


def test_torch_refuses_code_old_files_compression_and_claims(torch, tmp_path):
    path = tmp_path / "m.pt"

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    torch.save({"w": Evil()}, path)
    with pytest.raises(F2FError, match="only unpickling could read"):
        list_tensors(path)
    assert not (tmp_path / "executed").exists()

    torch.save({"w": Evil()}, path, _use_new_zipfile_serialization=False)
    with pytest.raises(F2FError, match="only unpickling could read"):
        list_tensors(path)
    assert not (tmp_path / "executed").exists()

    path.write_bytes(b"no checkpoint")
    with pytest.raises(F2FError, match="not a PyTorch checkpoint"):
        list_tensors(path)

    torch.save({"w": torch.ones(1).expand(10**12)}, path)
    assert list_tensors(path)[0].shape == (10**12,)
    with pytest.raises(F2FError, match="not all stored"):
        load_layer(path)

    torch.save({"w": torch.ones(3)}, path)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "z.pt", "w", 8) as new:
        for member in old.namelist():
            new.writestr(member, old.read(member))
    with pytest.raises(F2FError, match="compressed"):
        list_tensors(tmp_path / "z.pt")


def checkpoint(torch, path, pickled=None, legacy=False, members=(), **changed):
    """Write a checkpoint with another pickle, or with other members or more of them."""
    tensors = {"w": torch.arange(6.0).reshape(2, 3), "v": torch.ones(4)}
    torch.save(tensors, path, _use_new_zipfile_serialization=not legacy)
    if legacy:
        return
    with zipfile.ZipFile(path) as old:
        held = {member: old.read(member) for member in old.namelist()}
    if pickled is not None:
        held["m/data.pkl"] = b"\x80\x02" + pickled + b"."
    held |= {f"m/data/{key[1:]}": data for key, data in changed.items()}
    with zipfile.ZipFile(path, "w") as new:
        for name, data in [*held.items(), *members]:
            new.writestr(name, data)


def long1(number):
    return b"\x8a\x08" + number.to_bytes(8, "little")


NESTED = b")q\x00" + b"h\x00\x86q\x00" * 60  # 2^60 tuples, to whoever hashes it
HOSTILE = {
    "memory": b"c__builtin__\nbytearray\n" + long1(10**11) + b"\x85R",
    "memory made": b"c__builtin__\nbytearray\n" + long1(10**11) + b"\x85\x81",
    "tensor": b"ctorch\nFloatTensor\n" + long1(10**10) + b"\x85R",
    "longer and longer": b"c_codecs\nencode\nU\x01aX\x03\x00\x00\x00hex\x86R",
    "key": b"}" + NESTED + b"K\x01s",
    "keys": b"}(" + NESTED + b"K\x01u",
    "set": b"c__builtin__\nset\n]" + NESTED + b"a\x85R",
    "ordered": b"ccollections\nOrderedDict\n]" + NESTED + b"K\x01\x86a\x85R",
    "deep": b"]" * 10**5 + b"a" * (10**5 - 1),
    "operation": b"\x96" + long1(10**11)[2:],
    "memo": b"}r\xff\xff\xff\x7f",
    "nothing": b"0",
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_pickles_that_ask_for_much_are_refused(torch, tmp_path, what):
    checkpoint(torch, tmp_path / "m.pt", HOSTILE[what])
    tracemalloc.start()
    try:
        if what == "memo":  # an entry of the memo, far away, is one entry
            assert list_tensors(tmp_path / "m.pt") == []
        else:
            with pytest.raises(F2FError, match=r"cannot read .*its pickle|nested too deep"):
                list_tensors(tmp_path / "m.pt")
        assert tracemalloc.get_traced_memory()[1] < 1 << 25
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("legacy", [False, True])
def test_what_torch_reads_of_checkpoints_is_read(torch, tmp_path, legacy):
    """States of training, keys that are no names, number formats of every age."""
    model = torch.nn.Linear(3, 4)
    training = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    training.step()
    content = {
        "model": model.state_dict(), "training": training.state_dict(), ("a", 1): torch.ones(2),
        0: torch.nn.Parameter(torch.ones(2)), "seen": {"a", 1}, "rng": torch.get_rng_state(),
        "counts": collections.Counter("aab"), "size": torch.Size([1]), "kind": torch.float32,
        "complex": torch.ones(2, dtype=torch.complex64), "truth": torch.ones(2) > 0,
        "sparse": torch.eye(3).to_sparse(), "bytes": b"abc", "empty": torch.ones(0, 3),
    }  # fmt: skip
    if not legacy:  # torch reads none of old checkpoints
        content["eight"] = torch.ones(2).to(torch.float8_e5m2)
        content["wide"] = torch.ones(2, dtype=torch.uint16)
    torch.save(content, tmp_path / "m.pt", _use_new_zipfile_serialization=not legacy)
    names = {info.name for info in list_tensors(tmp_path / "m.pt")}
    assert {"model.weight", "training.state.0.exp_avg", "0", "rng", "sparse"} <= names
    assert legacy or {"eight", "wide"} <= names
    assert load_layer(tmp_path / "m.pt", "empty").weights.shape == (0, 3)
    same_bits(load_layer(tmp_path / "m.pt", "model.bias").weights, model.bias.detach().numpy())


def test_storages_of_a_checkpoint_are_all_there(torch, tmp_path):
    path = tmp_path / "m.pt"
    checkpoint(torch, path, _0=bytes(24))
    assert not load_layer(path, "w").weights.any()
    checkpoint(torch, path, _0=bytes(23))  # the rest would be what stands behind it
    with pytest.raises(F2FError, match=r"storage 0 is not as long .*expected 24 bytes, got 23"):
        list_tensors(path)
    checkpoint(torch, path, _0=bytes(25))
    with pytest.raises(F2FError, match=r"storage 0 is not as long .*expected 24 bytes, got 25"):
        list_tensors(path)
    checkpoint(torch, path, members=[("m/data/9", b"")])
    assert len(list_tensors(path)) == 2
    with pytest.warns(UserWarning, match="Duplicate name"):
        checkpoint(torch, path, members=[("m/data/0", bytes(24))])
    with pytest.raises(F2FError, match="a member twice"):
        list_tensors(path)


def test_storages_of_an_old_checkpoint_are_all_there(torch, tmp_path):
    path = tmp_path / "m.pt"
    checkpoint(torch, path, legacy=True)
    good = path.read_bytes()
    assert load_layer(path, "w").weights.sum() == 15
    at = good.rindex(b"X", 0, good.rindex(b"e."))  # the last of the keys of what follows
    key = good[at + 5 : at + 5 + good[at + 1]]
    assert key.isdigit()
    path.write_bytes(good[:at] + good[at:].replace(key, b"x" * len(key)))
    with pytest.raises(F2FError, match="lacks a storage"):
        list_tensors(path)
    path.write_bytes(good.replace(b"K\x06", long1(10**9), 1))
    with pytest.raises(F2FError, match=r"not as long.*expected 4\d{9} bytes to the end"):
        list_tensors(path)
    path.write_bytes(good + good)  # two calls of torch.save with one open file
    with pytest.raises(F2FError, match="not as long as its pickle says"):
        list_tensors(path)


@pytest.mark.parametrize("legacy", [False, True])
def test_torch_legacy_bin_and_shards(torch, tmp_path, legacy):
    """Checkpoints from before version 1.6, and as Hugging Face named and cut them."""
    weight = torch.arange(6.0).reshape(2, 3)
    held = {"a": weight, "b": weight.T.bfloat16()}
    for name, tensor in held.items():
        torch.save({name: tensor}, tmp_path / f"{name}.bin", _use_new_zipfile_serialization=not legacy)  # fmt: skip
    index = {"weight_map": {name: f"{name}.bin" for name in held}}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    for place in (tmp_path, tmp_path / "pytorch_model.bin.index.json"):
        assert [info.name for info in list_tensors(place)] == ["a", "b"]
        same_bits(load_layer(place, "a").weights, weight.numpy())
        assert load_layer(place, "b").dtype == "bfloat16"
    same_bits(load_layer(tmp_path / "a.bin").weights, weight.numpy())


def test_torch_unsupported_tensors_are_listed_but_not_loaded(torch, tmp_path):
    torch.save({"i": torch.ones(3, dtype=torch.int64), "m": torch.empty(3, device="meta")},
               tmp_path / "m.pt")  # fmt: skip
    assert [i.dtype for i in list_tensors(tmp_path / "m.pt")] == [
        "int64",
        "strided float32 on meta",
    ]
    with pytest.raises(F2FError, match="unsupported number format"):
        load_layer(tmp_path / "m.pt")


@pytest.mark.parametrize("library", ["torch", "onnx"])
def test_a_missing_library_is_named_with_its_extra(library, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    path = tmp_path / ("m.pt" if library == "torch" else "m.onnx")
    path.write_bytes(b"")
    with pytest.raises(F2FError, match=rf'pip install "f2f-viz\[{library}\]"'):
        list_tensors(path)


# ONNX


@pytest.fixture
def onnx():
    return pytest.importorskip("onnx")


def save_onnx(onnx, path, arrays, constants=False, **options):
    """Weights as initializers, or as constants whose tensors have other names."""
    from onnx import helper, numpy_helper

    tensors = {name: numpy_helper.from_array(array, name) for name, array in arrays.items()}
    nodes = []
    if constants:
        for tensor in tensors.values():
            tensor.name = "value"
        nodes = [helper.make_node("Constant", [], [name], value=t) for name, t in tensors.items()]
    graph = helper.make_graph(nodes, "g", [], [], [] if constants else tensors.values())
    onnx.save(helper.make_model(graph), path, **options)


@pytest.mark.parametrize("external", [False, True])
@pytest.mark.parametrize("constants", [False, True])
def test_onnx_dtypes(onnx, tmp_path, external, constants):
    path = tmp_path / "m.onnx"
    arrays = {**WEIGHTS, "int4": INT4, "empty": np.zeros((0, 3), np.float32)}
    save_onnx(onnx, path, arrays, constants, **(EXTERNAL if external else {}))
    assert (tmp_path / "m.data").exists() == external
    assert [info.name for info in list_tensors(path)] == list(arrays)
    for name, array in arrays.items():
        same_bits(load_layer(path, name).weights, array)


def test_onnx_typed_fields(onnx, tmp_path):
    tensor = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, (2, 2), [1, 2, 3, 4])
    graph = onnx.helper.make_graph([], "g", [], [], [tensor])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "m.onnx")
    assert load_layer(tmp_path / "m.onnx").weights.tolist() == [[1, 2], [3, 4]]


def test_onnx_nodes_that_are_no_weights(onnx, tmp_path):
    make = onnx.helper.make_node
    nodes = [make("Constant", [], ["f"], value_float=1.0), make("Relu", ["w"], ["y"]),
             make("Constant", [], ["other"], domain="mine", sparse_value=None),
             make("Constant", [], ["w"], value=onnx.numpy_helper.from_array(np.ones((2, 3), "f4")))]  # fmt: skip
    graph = onnx.helper.make_graph(nodes, "g", [], [])
    (tmp_path / "m.onnx").write_bytes(onnx.helper.make_model(graph).SerializeToString())
    assert [info.name for info in list_tensors(tmp_path / "m.onnx")] == ["w"]


EXTERNAL = {"save_as_external_data": True, "location": "m.data", "size_threshold": 0,
            "convert_attribute": True}  # fmt: skip


def onnx_arrays(rate=0.0):
    """Weights and what else an ONNX model holds, pruned at a rate."""
    rng = np.random.default_rng(0)
    arrays = {"conv": rng.normal(size=(16, 8, 3, 3)).astype("f4"),
              "half": rng.normal(size=(40, 50)).astype("f2"),
              "bias": rng.normal(size=16).astype("f4"), "axes": np.arange(3),
              "flags": np.array([True, False])}  # fmt: skip
    for name in ("conv", "half"):
        kept = f2f.prune(arrays[name], rate)
        arrays[name] = np.where(kept, arrays[name], np.zeros((), arrays[name].dtype))
    return arrays


@pytest.mark.parametrize("external", [False, True])
@pytest.mark.parametrize("constants", [False, True])
def test_whole_onnx_models(onnx, tmp_path, external, constants):
    """They come back byte for byte but for pruned weights, as ONNX and as safetensors."""
    options = EXTERNAL if external else {}
    for folder, rate in (("source", 0.0), ("expected", 0.8), ("back", 0.8)):
        (tmp_path / folder).mkdir()
        if folder != "back":
            save_onnx(onnx, tmp_path / folder / "m.onnx", onnx_arrays(rate), constants, **options)
    source, packed, back = tmp_path / "source", tmp_path / "m.f2f", tmp_path / "back"
    f2f.encode_model(source / "m.onnx", packed, f2f.Settings(rate=0.8, n_s=1))
    assert packed.stat().st_size < sum(file.stat().st_size for file in source.iterdir())
    f2f.decode_model(packed, back / "m.onnx")
    expected = tmp_path / "expected"
    assert sorted(os.listdir(back)) == sorted(os.listdir(expected)) == ["m.data", "m.onnx"][not external:]  # fmt: skip
    for file in expected.iterdir():
        assert (back / file.name).read_bytes() == file.read_bytes()
    onnx.checker.check_model(back / "m.onnx")
    f2f.decode_model(packed, tmp_path / "back.safetensors")
    tensors = load_file(tmp_path / "back.safetensors")
    assert list(tensors) == list(onnx_arrays())
    for name, array in onnx_arrays(0.8).items():
        same_bits(tensors[name], array)


def test_what_an_onnx_model_holds_beside_its_weights(onnx, tmp_path):
    """Nodes, strings, typed fields and the weights of branches come back."""
    helper, tensor = onnx.helper, onnx.numpy_helper.from_array
    branch = helper.make_graph([], "branch", [], [], [tensor(np.ones((30, 40), "f4"), "inner")])
    nodes = [helper.make_node("Constant", [], ["words"], value=tensor(np.array(["a", "b"], object))),
             helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)]  # fmt: skip
    weights = onnx_arrays()["half"].astype("f4")
    typed = helper.make_tensor("w", onnx.TensorProto.FLOAT, weights.shape, weights.reshape(-1))
    graph = helper.make_graph(nodes, "g", [], [], [typed], doc_string="as it was")
    before = helper.make_model(graph)
    onnx.save(before, tmp_path / "m.onnx")
    f2f.encode_model(tmp_path / "m.onnx", tmp_path / "m.f2f", f2f.Settings(rate=0.0, n_s=1))
    f2f.decode_model(tmp_path / "m.f2f", tmp_path / "back.onnx")
    after = onnx.load(tmp_path / "back.onnx")
    same_bits(onnx.numpy_helper.to_array(after.graph.initializer[0]), weights)
    before.graph.initializer[0].ClearField("float_data")
    after.graph.initializer[0].ClearField("raw_data")
    assert after == before


def test_onnx_weights_in_branches(onnx, tmp_path):
    """Branches may hold tensors of one name, and have them beside the model."""
    arrays = {"then": RNG.normal(size=(40, 30)).astype("f4"), "else": RNG.normal(size=(40, 30)).astype("f4")}  # fmt: skip
    (tmp_path / "data").write_bytes(arrays["then"].tobytes())
    beside = onnx.TensorProto(name="inner", dims=[40, 30], data_type=1, data_location=1)
    beside.external_data.add(key="location", value="data")
    inside = onnx.numpy_helper.from_array(arrays["else"], "inner")
    make = onnx.helper.make_graph
    node = onnx.helper.make_node(
        "If", ["x"], ["y"], name="choice", then_branch=make([], "t", [], [], [beside]),
        else_branch=make([], "e", [], [], [inside]),
    )  # fmt: skip
    weights = onnx.numpy_helper.from_array(onnx_arrays()["half"], "w")
    model = onnx.helper.make_model(make([node], "g", [], [], [weights]))
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    names = ["w", "choice/else_branch/inner", "choice/then_branch/inner"]
    assert sorted(info.name for info in list_tensors(tmp_path / "m.onnx")) == sorted(names)
    for branch, array in arrays.items():
        name = f"choice/{branch}_branch/inner"
        same_bits(load_layer(tmp_path / "m.onnx", name).weights, array)
    f2f.encode_model(tmp_path / "m.onnx", tmp_path / "m.f2f", f2f.Settings(rate=0.5, n_s=1))
    (tmp_path / "new").mkdir()
    f2f.decode_model(tmp_path / "m.f2f", tmp_path / "new" / "back.onnx")
    for branch, array in arrays.items():
        back = load_layer(tmp_path / "new" / "back.onnx", f"choice/{branch}_branch/inner").weights
        same_bits(back, np.where(f2f.prune(array, 0.5), array, np.float32(0)))


def test_an_onnx_model_with_external_data_in_functions_is_only_weights(onnx, tmp_path):
    inner = onnx.TensorProto(name="inner", dims=[2, 2], data_type=1, data_location=1)
    inner.external_data.add(key="location", value="data")
    constant = onnx.helper.make_node("Constant", [], ["c"], value=inner)
    function = onnx.helper.make_function(
        "own", "f", [], ["c"], [constant], [onnx.helper.make_opsetid("", 18)]
    )
    weights = onnx.numpy_helper.from_array(onnx_arrays()["half"], "w")
    graph = onnx.helper.make_graph([], "g", [], [], [weights])
    model = onnx.helper.make_model(graph, functions=[function])
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    f2f.encode_model(tmp_path / "m.onnx", tmp_path / "m.f2f", f2f.Settings(rate=0.5, n_s=1))
    with pytest.raises(F2FError, match="holds no ONNX model: expected a name ending"):
        f2f.decode_model(tmp_path / "m.f2f", tmp_path / "back.onnx")
    f2f.decode_model(tmp_path / "m.f2f", tmp_path / "back.safetensors")
    assert list(load_file(tmp_path / "back.safetensors")) == ["w"]


@pytest.mark.parametrize(
    ("location", "offset", "message"),
    [
        ("../out", 0, "outside the model's folder"),
        ("/out", 0, "outside the model's folder"),
        ("link/out", 0, "outside the model's folder"),
        ("a\0b", 0, "outside the model's folder"),
        ("sub/../../out", 0, "outside the model's folder"),
        (".", 0, "outside the model's folder"),
        ("back.onnx", 0, "outside the model's folder"),
        ("", 0, "outside the model's folder"),
        ("there", 0, "would replace"),
    ],
)
def test_hostile_onnx_frames(onnx, tmp_path, location, offset, message):
    frame = onnx.ModelProto()
    for name, at in (("a", 0), ("b", offset)):
        tensor = frame.graph.initializer.add(name=name, dims=[4], data_type=1, data_location=1)
        tensor.external_data.add(key="location", value=location)
        tensor.external_data.add(key="offset", value=str(at))
    (tmp_path / "there").write_bytes(b"mine")
    (tmp_path / "link").symlink_to(tmp_path.parent)
    data = [("a", bytes(16)), ("b", bytes(16))]
    with pytest.raises(F2FError, match=message):
        write_onnx(frame.SerializeToString(), data, tmp_path / "back.onnx", "m.f2f")
    with pytest.raises(F2FError, match="no data of tensor b"):
        write_onnx(frame.SerializeToString(), data[:1], tmp_path / "back.onnx", "m.f2f")
    with pytest.raises(F2FError, match="has no tensor c"):
        write_onnx(frame.SerializeToString(), [("c", b"")], tmp_path / "back.onnx", "m.f2f")
    with pytest.raises(F2FError, match=r"cannot read m\.f2f"):
        write_onnx(b"\xff" * 9, data, tmp_path / "back.onnx", "m.f2f")
    assert sorted(os.listdir(tmp_path)) == ["link", "there"]
    assert (tmp_path / "there").read_bytes() == b"mine"


LAYOUTS = {
    "one after the other": [("data", 0), ("data", 4096)],
    "appended to what was saved before": [("data", 1 << 20), ("data", (1 << 20) + 4096)],
    "gaps": [("data", 0), ("data", 1 << 21)],
    "one region twice": [("data", 64), ("data", 64)],
    "overlapping": [("data", 0), ("data", 4)],
    "a subfolder": [("sub/deep/data", 0), ("sub/other", 0)],
    "two names of one file": [("./data", 0), ("data", 4096)],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_onnx_models_come_back_however_their_data_were_laid_out(onnx, tmp_path, layout):
    stored = np.random.default_rng(0).normal(size=1 << 20).astype(np.float32)
    initializers = []
    for name, (location, offset) in zip("ab", LAYOUTS[layout], strict=True):
        tensor = onnx.TensorProto(name=name, dims=[32, 32], data_type=1, data_location=1)
        for key, value in {"location": location, "offset": offset, "checksum": "0"}.items():
            tensor.external_data.add(key=key, value=str(value))
        initializers.append(tensor)
        (tmp_path / location).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / location).write_bytes(stored.tobytes())
    graph = onnx.helper.make_graph([], "g", [], [], initializers)
    (tmp_path / "m.onnx").write_bytes(onnx.helper.make_model(graph).SerializeToString())
    f2f.encode_model(
        tmp_path / "m.onnx", tmp_path / "m.f2f", f2f.Settings(rate=0.5, n_s=0),
        rules=[("b", None)],
    )  # fmt: skip
    back = tmp_path / "out" / "back.onnx"
    back.parent.mkdir()
    f2f.decode_model(tmp_path / "m.f2f", back)
    after = onnx.load(back)  # with its external data
    for tensor, (_, offset), rate in zip(
        after.graph.initializer, LAYOUTS[layout], (0.5, 0), strict=True
    ):
        weights = stored[offset // 4 :][:1024].reshape(32, 32)
        same_bits(
            onnx.numpy_helper.to_array(tensor), np.where(f2f.prune(weights, rate), weights, 0)
        )
    assert sum(p.stat().st_size for p in back.parent.rglob("*") if p.is_file()) < 20_000


def test_a_failed_write_of_an_onnx_model_leaves_nothing(onnx, tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    save_onnx(onnx, tmp_path / "m.onnx", onnx_arrays(), **EXTERNAL)
    f2f.encode_model(tmp_path / "m.onnx", tmp_path / "m.f2f", f2f.Settings(rate=0.5, n_s=1))

    def full(source, target):
        if str(target).endswith(".onnx"):
            raise OSError(28, "No space left on device")
        replace(source, target)

    replace = os.replace
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(F2FError, match="No space left"):
        f2f.decode_model(tmp_path / "m.f2f", tmp_path / "out" / "m.onnx")
    assert not os.listdir(tmp_path / "out")


def test_onnx_names_are_unique(onnx, tmp_path):
    tensor = onnx.numpy_helper.from_array(np.ones(2, np.float32), "w")
    graph = onnx.helper.make_graph([], "g", [], [], [tensor, tensor])
    (tmp_path / "m.onnx").write_bytes(onnx.helper.make_model(graph).SerializeToString())
    with pytest.raises(F2FError, match="two tensors have the name w"):
        list_tensors(tmp_path / "m.onnx")


def external_model(onnx, path, location, **fields):
    tensor = onnx.TensorProto(name="w", dims=[2, 2], data_type=1, data_location=1)
    for key, value in {"location": location, **fields}.items():
        tensor.external_data.add(key=key, value=str(value))
    graph = onnx.helper.make_graph([], "g", [], [], [tensor])
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())


def test_onnx_external_data_stay_in_the_folder(onnx, tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (tmp_path / "secret").write_bytes(bytes(16))
    (model / "link").symlink_to(tmp_path / "secret")
    for location in ("../secret", str(tmp_path / "secret"), "link", "", "."):
        external_model(onnx, model / "m.onnx", location)
        with pytest.raises(F2FError, match="outside the model's folder"):
            load_layer(model / "m.onnx")
    (model / "sub").mkdir()
    (model / "sub" / "data").write_bytes(np.arange(5, dtype="f4").tobytes())
    external_model(onnx, model / "m.onnx", "sub/data", offset=4, length=16)
    assert load_layer(model / "m.onnx").weights.tolist() == [[1, 2], [3, 4]]
    for fields in ({"offset": 5}, {"offset": -1}, {"length": 15}, {"length": 2**62}):
        external_model(onnx, model / "m.onnx", "sub/data", **fields)
        with pytest.raises(F2FError, match="does not fit"):
            load_layer(model / "m.onnx")
    external_model(onnx, model / "m.onnx", "absent")
    with pytest.raises(F2FError, match="no file"):
        load_layer(model / "m.onnx")


# Shards


@pytest.fixture
def shards(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    save_file({"a": np.ones((2, 2), "f4")}, folder / "1.safetensors")
    save_file({"b": np.ones((3, 3), "f4"), "c": np.zeros(1, "f4")}, folder / "2.safetensors")
    return folder


def write_index(folder, where):
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": where}))
    return path


def test_shards(shards):
    index = write_index(shards, {"b": "2.safetensors", "a": "1.safetensors"})
    for path in (shards, index):
        assert [info.name for info in list_tensors(path)] == ["b", "a"]
        assert load_layer(path).name == "b"
        assert load_layer(path, "a").weights.shape == (2, 2)


def test_shards_bad_references(shards):
    save_file({"a": np.ones(2)}, shards.parent / "out.safetensors")
    (shards / "link.safetensors").symlink_to(shards.parent / "out.safetensors")
    (shards / "loop.safetensors").symlink_to(shards / "loop.safetensors")
    outside = str(shards.parent / "out.safetensors")
    for name in ("../out.safetensors", outside, "link.safetensors", "x/../1.safetensors", ".."):
        write_index(shards, {"a": name})
        with pytest.raises(F2FError, match="outside its folder"):
            list_tensors(shards)
    for name in ("model.safetensors.index.json", "absent.safetensors", "loop.safetensors"):
        write_index(shards, {"a": name})
        with pytest.raises(F2FError, match=r"no file of weights|cannot read"):
            list_tensors(shards)
    write_index(shards, {"a": "1.safetensors", "b": "1.safetensors"})
    with pytest.raises(F2FError, match=r"tensor b is not in 1\.safetensors"):
        list_tensors(shards)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"weight_map": 3}', '{"weight_map": {"a": 1}}', "[" * 100_000]
)
def test_shards_bad_index(shards, text):
    write_index(shards, {}).write_text(text)
    with pytest.raises(F2FError, match="cannot read"):
        list_tensors(shards)


def test_a_folder_without_index(tmp_path):
    with pytest.raises(F2FError, match="is not one model"):
        list_tensors(tmp_path)


@pytest.fixture
def cached(shards):
    """A snapshot as Hugging Face's cache keeps it: links to files named by their hashes."""
    root = shards.parent / "hub" / "models--org--name"
    blobs, snapshot = root / "blobs", root / "snapshots" / "0a1b2c"
    blobs.mkdir(parents=True)
    (snapshot / "onnx").mkdir(parents=True)
    where = {"b": "2.safetensors", "a": "1.safetensors"}
    files = [shards / "1.safetensors", shards / "2.safetensors", write_index(shards, where)]
    for number, file in enumerate(files):
        file.rename(blobs / f"hash{number}")
        (snapshot / file.name).symlink_to(f"../../blobs/hash{number}")
    return snapshot


def test_shards_of_a_hugging_face_cache(cached, tmp_path):
    (tmp_path / "link").symlink_to(cached)
    for path in (cached, cached / "model.safetensors.index.json", tmp_path / "link"):
        assert [info.name for info in list_tensors(path)] == ["b", "a"]
        assert load_layer(path, "a").weights.shape == (2, 2)
    f2f.encode_model(cached, tmp_path / "m.f2f", f2f.Settings(rate=0.5))
    f2f.decode_model(tmp_path / "m.f2f", tmp_path / "back.safetensors")
    assert list(load_file(tmp_path / "back.safetensors")) == ["b", "a"]


@pytest.mark.parametrize("to", ["other model", "elsewhere", "below", "blobs elsewhere"])
def test_links_of_a_cache_that_lead_elsewhere(cached, tmp_path, to):
    blobs = cached.parents[1] / "blobs"
    place = {
        "other model": tmp_path / "hub" / "models--org--other" / "blobs",
        "elsewhere": tmp_path / "blobs",
        "below": blobs / "more",
        "blobs elsewhere": tmp_path / "real",
    }[to]
    if to == "blobs elsewhere":  # the folder of blobs is itself a link
        blobs.rename(place)
        blobs.symlink_to(place)
    else:
        place.mkdir(parents=True)
        (blobs / "hash0").rename(place / "hash0")
        (cached / "1.safetensors").unlink()
        (cached / "1.safetensors").symlink_to(place / "hash0")
    with pytest.raises(F2FError, match="outside its folder"):
        list_tensors(cached)


def test_onnx_of_a_hugging_face_cache(onnx, cached, tmp_path):
    blobs = cached.parents[1] / "blobs"
    model = cached / "onnx" / "m.onnx"
    external_model(onnx, blobs / "graph", "m.onnx_data")
    model.symlink_to(blobs / "graph")
    (blobs / "data").write_bytes(np.arange(4, dtype="f4").tobytes())
    (cached / "onnx" / "m.onnx_data").symlink_to(blobs / "data")
    assert load_layer(model).weights.tolist() == [[0, 1], [2, 3]]
    (blobs / "data").rename(tmp_path / "data")
    (cached / "onnx" / "m.onnx_data").unlink()
    (cached / "onnx" / "m.onnx_data").symlink_to(tmp_path / "data")
    with pytest.raises(F2FError, match="outside the model's folder"):
        load_layer(model)
