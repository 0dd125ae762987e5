"""Files that tell two things: every reader takes one in silence, so here they are refused."""

import io
import json
import struct
import zipfile

import numpy as np
import pytest

import f2f_viz as f2f
from f2f_viz.errors import F2FError
from f2f_viz.tensors.layer import list_tensors, load_layer

VALUES = np.arange(24, dtype=np.float32).reshape(4, 6)


def npy(values=VALUES, **fields):
    """The bytes of a npy file, its header's fields as given."""
    written = {"descr": values.dtype.str, "fortran_order": False, "shape": values.shape} | fields
    text = repr(written).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + values.tobytes()


def zipped(*members, compression=zipfile.ZIP_STORED, to=None):
    to = io.BytesIO() if to is None else to
    with zipfile.ZipFile(to, "w", compression) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return to.getvalue()


def refused(path, data, match):
    path.write_bytes(data)
    with pytest.raises(F2FError, match=match) as problem:
        load_layer(path, list_tensors(path)[0].name)
    assert "expected" in str(problem.value)
    assert "got" in str(problem.value)


def test_npy_ends_where_its_header_says(tmp_path):
    path = tmp_path / "w.npy"
    refused(path, npy() + b"\0", "not as long as its header says.*expected 96 bytes, got 97")
    refused(path, npy() + npy(), "expected 96 bytes, got")  # two calls of np.save
    refused(path, npy()[:-1], "expected 96 bytes, got 95")


def test_the_header_of_npy_has_each_field_once(tmp_path):
    """Python's literals keep the last of two."""
    data = npy().replace(b"'shape': (4, 6)", b"'shape':(4, 6),'shape':(6, 4)")
    length = data.index(b"\n", 10) + 1 - 10
    data = data[:8] + length.to_bytes(2, "little") + data[10:]
    assert np.load(io.BytesIO(data)).shape == (6, 4)
    refused(tmp_path / "w.npy", data, "shape once each, got 4 fields")


@pytest.mark.parametrize("size", [True, False, -1, 1.0, None])
def test_what_is_no_whole_number_is_no_size(tmp_path, size):
    """NumPy's parser takes True for 1: it would be listed, and its shape refused by the encoder."""
    values = np.zeros(6144 if size is not False else 0, np.float32)
    data = npy(values, shape=(size, 6144))
    path = tmp_path / "w.npy"
    path.write_bytes(data)
    with pytest.raises(F2FError):
        list_tensors(path)
    path = tmp_path / "w.npz"
    path.write_bytes(zipped(("w.npy", data)))
    with pytest.raises(F2FError):
        list_tensors(path)
    if type(size) is bool:
        refused(path, zipped(("w.npy", data)), f"expected whole numbers >= 0, got {size}")


def test_npz_gives_each_member_once(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = zipped(("w.npy", npy()), ("w.npy", npy(VALUES + 1)))
    refused(tmp_path / "w.npz", data, r"gives a member twice.*each name once, got w\.npy")
    good = zipped(("w.npy", npy()), ("W.npy", npy(VALUES + 1)))
    (tmp_path / "w.npz").write_bytes(good)
    assert load_layer(tmp_path / "w.npz", "W").weights[0, 0] == 1


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_of_npz_end_where_their_headers_say(tmp_path, compression):
    data = zipped(("w.npy", npy() + bytes(3)), compression=compression)
    refused(tmp_path / "w.npz", data, "expected 96 bytes, got 99")


def directory(data):
    """Where the entry of the first member begins in the archive's directory."""
    return data.index(b"PK\x01\x02")


def put(data, at, layout, *values):
    return data[:at] + struct.pack(layout, *values) + data[at + struct.calcsize(layout) :]


ARCHIVES = ["stored", "deflated", "streamed"]


def archive(kind):
    class Stream(io.BytesIO):
        def seekable(self):
            return False

        def tell(self):
            raise OSError

    member = ("w.npy", npy())
    if kind == "streamed":  # sizes stand behind the data, as PyTorch writes them
        return zipped(member, to=Stream())
    return zipped(
        member, compression=zipfile.ZIP_STORED if kind == "stored" else zipfile.ZIP_DEFLATED
    )


@pytest.mark.parametrize("kind", ARCHIVES)
def test_the_directory_of_an_archive_tells_what_its_members_do(tmp_path, kind):
    path, data = tmp_path / "w.npz", archive(kind)
    path.write_bytes(data)
    np.testing.assert_array_equal(load_layer(path).weights, VALUES)
    packed, size = struct.unpack_from("<LL", data, directory(data) + 20)
    for by in (-1, 1, 50):  # the whole size, then that of what is stored, then both
        lies = [(packed, size + by), (packed + by, size), (packed + by, size + by)]
        for lie in lies:
            path.write_bytes(put(data, directory(data) + 20, "<LL", *lie))
            with pytest.raises(F2FError):
                load_layer(path)
    method = struct.unpack_from("<H", data, directory(data) + 10)[0]
    refused(path, put(data, directory(data) + 10, "<H", method ^ 8), "fill its place|two things")


def test_a_member_that_inflates_to_more_than_all_headers_say(tmp_path):
    """Their checksum fits what they say, so zipfile itself would cut it in silence."""
    path, short = tmp_path / "w.npz", npy()
    data = zipped(("w.npy", short + b"hidden"), compression=zipfile.ZIP_DEFLATED)
    at = directory(data)
    for place in (14, at + 16):  # checksum, then both sizes
        data = put(data, place, "<L", zipfile.crc32(short))
        data = put(data, place + 8, "<L", len(short))
    with zipfile.ZipFile(io.BytesIO(data)) as lying:
        assert lying.read("w.npy") == short
    refused(path, data, "not as long as its archive says: expected .* got more")


def hidden(kind, between=b""):
    """An archive of one member; its packed size covers bytes behind the end of its data."""
    data = archive(kind)
    begin, end = 30 + len("w.npy"), directory(data)
    packed = struct.unpack_from("<L", data, end + 20)[0] + len(between)
    data = data[: begin + packed - len(between)] + between + data[begin + packed - len(between) :]
    end += len(between)
    data = put(data, end + 20, "<L", packed)
    data = put(data, len(data) - 6, "<L", end)
    if kind == "deflated":
        data = put(data, 18, "<L", packed)
    return data


def test_what_is_packed_ends_where_its_size_says(tmp_path):
    """Another reader, of streams, finds a second array behind the first."""
    path = tmp_path / "w.npz"
    path.write_bytes(hidden("deflated"))
    assert load_layer(path).weights[0, 1] == 1
    data = hidden("deflated", archive("deflated")[:-60])
    assert np.load(io.BytesIO(data))["w"][0, 1] == 1
    refused(path, data, r"ends elsewhere than its archive says: expected \d+ compressed bytes")


def test_checksums_are_told_once(tmp_path):
    path, data = tmp_path / "w.npz", archive("stored")
    refused(path, put(data, 14, "<L", 1), "two things of its member.*its CRC")
    refused(path, put(data, 18, "<LL", 0, 0), "does not fill its place")  # no flag allows it
    data, end = archive("streamed"), directory(archive("streamed"))
    refused(path, put(data, end - 16, "<L", 1), "bytes behind it: expected its sizes, got others")
    refused(path, put(data, end - 12, "<L", 1), "two things of its member.*its CRC")
    for place in (end - 12, end + 16):
        data = put(data, place, "<L", 1)
    path.write_bytes(data)
    with pytest.raises(F2FError, match=r"the CRC-32 of member w\.npy is another"):
        load_layer(path)


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (("w", "w.npy"), "w"),
        (("w.npy", "w.npy.npy"), r"w\.npy"),
        (("w.npy.npy", "w.npy"), r"w\.npy"),
    ],
)
def test_names_of_npz_are_unlike_without_npy_too(tmp_path, names, taken):
    """np.load gives one array under both."""
    data = zipped(*((name, npy(VALUES + at)) for at, name in enumerate(names)))
    with np.load(io.BytesIO(data)) as loaded:
        assert len({loaded[name][0, 0] for name in loaded.files}) == 1
    refused(tmp_path / "w.npz", data, f"two members have the name {taken}: expected each once")


def test_a_name_ends_at_no_nul(tmp_path):
    data = zipped(("w_npy_x", npy())).replace(b"w_npy_x", b"w.npy\0x")
    refused(tmp_path / "w.npz", data, r"two names of a member: expected w\.npy .* got w\.npy\\x00x")


def test_members_without_npy_are_arrays_if_they_begin_so(tmp_path):
    path = tmp_path / "w.npz"
    path.write_bytes(zipped(("a", npy()), ("read.me", b"text"), ("folder/", b"")))
    with np.load(path) as loaded:
        np.testing.assert_array_equal(loaded["a"], VALUES)
    assert [tensor.name for tensor in list_tensors(path)] == ["a"]
    np.testing.assert_array_equal(load_layer(path).weights, VALUES)


def large(data, count=1):
    """The same archive with the end that large ones have."""
    end = len(data) - 22
    begin = directory(data)
    told = count, count, end - begin, begin
    record = struct.pack("<4sQHHLL4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, *told)
    return data[:end] + record + struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1) + data[end:]


def test_both_ends_of_an_archive_tell_the_same(tmp_path):
    path, good = tmp_path / "w.npz", archive("stored")
    most = put(good, len(good) - 14, "<HHLL", 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    for data in (large(good), large(most)):
        path.write_bytes(data)
        np.testing.assert_array_equal(load_layer(path).weights, VALUES)
    refused(path, large(most, 9), "other members than it says: expected 9 .* got 1")
    refused(path, large(good, 9), "two things of its directory")
    short = large(good)
    refused(path, put(short, len(short) - 10, "<L", 1), "two things of its directory")


def test_members_do_not_lie_one_over_another(tmp_path):
    data = archive("stored")
    at, end = directory(data), len(data) - 22
    twice = data[:end] + data[at:end].replace(b"w.npy", b"v.npy") + data[end:]
    twice = put(twice, len(twice) - 14, "<HHL", 2, 2, 2 * (end - at))
    refused(tmp_path / "w.npz", twice, "lies over another: expected one behind the other")


def test_encrypted_members(tmp_path):
    data = archive("stored")
    for place in (6, directory(data) + 8):
        (tmp_path / "w.npz").write_bytes(put(data, place, "<H", 1))
        with pytest.raises(F2FError, match=r"^member w\.npy of [^<]* is encrypted"):
            list_tensors(tmp_path / "w.npz")


def test_an_archive_fills_its_file(tmp_path):
    path = tmp_path / "w.npz"
    first, second = zipped(("a.npy", npy())), zipped(("b.npy", npy()))
    refused(path, first + b"\0", "goes on after the end of its archive")
    refused(path, b"\0" + first, "bytes before its archive: expected none, got 1")
    refused(path, first + second, "bytes before its archive")  # only the second would be read
    at = len(first) - 22 + 10
    refused(path, put(first, at, "<H", 2), "other members than it says: expected 2 .*got 1")
    both = bytearray(zipped(("a.npy", npy()), ("b.npy", npy())))
    begin, end = directory(both), both.rindex(b"PK\x01\x02")
    size = end - begin
    for drop in ((begin, 2), (end, 1)):  # an entry of the directory; its data stay in the file
        lying = both[: drop[0]] + both[drop[0] + size :]
        lying = put(lying, len(lying) - 22 + 8, "<HHL", 1, 1, size)  # as if it were one
        refused(path, bytes(lying), "bytes before its archive|does not fill its place")


def test_names_in_headers_of_safetensors_stand_once(tmp_path):
    path = tmp_path / "w.safetensors"
    one = '"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'
    other = '"w":{"dtype":"I8","shape":[8],"data_offsets":[0,8]}'
    text = f"{{{one},{other}}}".encode()
    refused(path, len(text).to_bytes(8, "little") + text + bytes(8), "each name once, got w twice")


@pytest.mark.parametrize(
    ("offsets", "size"),
    [([(0, 8), (8, 16)], 17), ([(0, 8), (8, 16)], 15), ([(0, 8), (12, 20)], 20), ([(0, 8), (4, 12)], 12)],
    ids=["bytes behind", "too short", "a gap", "an overlap"],
)  # fmt: skip
def test_tensors_of_safetensors_fill_the_file(tmp_path, offsets, size):
    header = {
        name: {"dtype": "F32", "shape": [2], "data_offsets": span}
        for name, span in zip("ab", offsets, strict=True)
    }
    text = json.dumps(header).encode()
    data = len(text).to_bytes(8, "little") + text + bytes(size)
    refused(tmp_path / "w.safetensors", data, "fill the rest one behind the other, got")


def index(folder, text):
    path = folder / "m.safetensors.index.json"
    path.write_text(text)
    return path


def test_an_index_names_a_tensor_once(tmp_path):
    from safetensors.numpy import save_file

    save_file({"w": VALUES}, tmp_path / "a.safetensors")
    save_file({"w": VALUES + 1}, tmp_path / "b.safetensors")
    text = '{"weight_map": {"w": "a.safetensors", "w": "b.safetensors"}}'
    with pytest.raises(F2FError, match="each name once, got w twice"):
        list_tensors(index(tmp_path, text))


def test_a_shard_gives_a_tensor_once(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"a.b": torch.ones(2), "a": {"b": torch.zeros(2)}}, tmp_path / "a.bin")
    path = tmp_path / "m.bin.index.json"
    path.write_text('{"weight_map": {"a.b": "a.bin"}}')
    with pytest.raises(F2FError, match=r"two tensors have the name a\.b: expected each name once"):
        list_tensors(path)


def test_a_checkpoint_is_one_archive_of_one_pickle(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"w": torch.from_numpy(VALUES)}, tmp_path / "m.pt")
    good = (tmp_path / "m.pt").read_bytes()
    refused(tmp_path / "m.pt", good + b"\0", "goes on after")
    refused(tmp_path / "m.pt", good + good, "bytes before")
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    path = tmp_path / "again.pt"
    path.write_bytes(zipped(*members))
    np.testing.assert_array_equal(load_layer(path, "w").weights, VALUES)
    pickled = next(data for name, data in members if name == "m/data.pkl")
    refused(path, zipped(*members, ("n/data.pkl", pickled)), r"one data\.pkl, got 2")
    refused(path, zipped(*members, ("m/DATA.pkl", pickled)), "a member twice.*lower case")


def test_storages_are_those_that_were_saved(tmp_path, monkeypatch):
    """torch compares no checksum of what it maps."""
    torch = pytest.importorskip("torch")
    values, path = torch.from_numpy(VALUES), tmp_path / "m.pt"
    torch.save({"v": values + 100, "w": values, "part": values[2:]}, path)
    np.testing.assert_array_equal(load_layer(path, "part").weights, VALUES[2:])
    data = path.read_bytes()
    path.write_bytes(data.replace(np.float32(17).tobytes(), np.float32(18).tobytes()))
    np.testing.assert_array_equal(load_layer(path, "v").weights, VALUES + 100)
    for name in ("w", "part"):
        with pytest.raises(F2FError, match=f"the CRC-32 of tensor {name} is another"):
            load_layer(path, name)
    torch.serialization.set_crc32_options(False)
    try:
        torch.save({"w": values}, path)
    finally:
        torch.serialization.set_crc32_options(True)
    np.testing.assert_array_equal(load_layer(path, "w").weights, VALUES)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_programs_and_objects_in_checkpoints_are_named_in_one_line(tmp_path):
    torch = pytest.importorskip("torch")
    module, path = torch.nn.Linear(2, 3), tmp_path / "m.pt"
    torch.save(module, path)
    refused(path, path.read_bytes(), r"state_dict.*, got torch\.nn\.modules\.linear\.Linear$")
    torch.jit.script(module).save(path)
    refused(path, path.read_bytes(), r"is TorchScript, a program: refused: .*state_dict")


@pytest.fixture
def onnx():
    return pytest.importorskip("onnx")


def saved_model(onnx, path, tensor):
    graph = onnx.helper.make_graph([], "g", [], [], [tensor])
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())
    return path


ONNX_KINDS = [
    "FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16", "INT8", "UINT8", "INT4", "UINT4", "FLOAT8E4M3FN",
    "FLOAT4E2M1", "INT32", "INT64", "UINT32", "UINT64", "BOOL", "COMPLEX64", "COMPLEX128",
]  # fmt: skip


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("kind", ONNX_KINDS)
def test_numbers_of_onnx_stand_in_one_place_and_are_as_many_as_the_shape_says(
    onnx, tmp_path, kind, raw
):
    """Whichever way the library itself writes them is read."""
    path, number = tmp_path / "w.onnx", onnx.TensorProto.DataType.Value(kind)
    dtype = onnx.helper.tensor_dtype_to_np_dtype(number)
    values = np.array([0, 1, 1, 0, 1], dtype)
    if raw:
        tensor = onnx.numpy_helper.from_array(values, "w")
        assert tensor.HasField("raw_data")
    else:
        tensor = onnx.helper.make_tensor("w", number, [5], values.tolist())
    [info] = list_tensors(saved_model(onnx, path, tensor))
    assert info.shape == (5,)
    assert f2f.list_tensors(path)[0].nbytes == values.nbytes
    good = tensor.SerializeToString()

    def refuse(match):
        with pytest.raises(F2FError, match=match) as problem:
            list_tensors(saved_model(onnx, path, tensor))
        assert "of raw_data or" in str(problem.value)
        tensor.ParseFromString(good)

    field = onnx.helper.tensor_dtype_to_field(number)
    if raw:
        tensor.raw_data += b"\0"
        refuse("tensor w of shape")
        getattr(tensor, field).append(0)
        refuse(rf"alone, got \d+ of raw_data and 1 of {field}")
    else:
        getattr(tensor, field).append(0)
        refuse(f"of {field}$")
        tensor.raw_data = bytes(values.nbytes)
        refuse(" of raw_data and ")
    wrong = "string_data" if field != "string_data" else "float_data"
    getattr(tensor, wrong).append(b"0")
    refuse(f"1 of {wrong}")


def test_onnx_beside_the_model_has_no_numbers_in_it_and_one_place(onnx, tmp_path):
    (tmp_path / "data").write_bytes(VALUES.tobytes())
    tensor = onnx.numpy_helper.from_array(VALUES, "w")
    tensor.ClearField("raw_data")
    tensor.data_location = tensor.EXTERNAL
    tensor.external_data.add(key="location", value="data")
    path = tmp_path / "w.onnx"
    np.testing.assert_array_equal(load_layer(saved_model(onnx, path, tensor)).weights, VALUES)
    tensor.external_data.add(key="offset", value="0")
    tensor.external_data.add(key="offset", value="4")
    with pytest.raises(F2FError, match=r"once each, got .*offset.*offset"):
        load_layer(saved_model(onnx, path, tensor), "w")
    del tensor.external_data[1:]
    tensor.raw_data = VALUES.tobytes()
    with pytest.raises(F2FError, match="none beside those outside, got 96 of raw_data"):
        list_tensors(saved_model(onnx, path, tensor))


def test_onnx_without_its_weights_is_listed(onnx, tmp_path):
    """Tools take the weights out of a model and leave the rest."""
    tensor = onnx.TensorProto(name="w", data_type=1, dims=[4, 6])
    path = saved_model(onnx, tmp_path / "w.onnx", tensor)
    assert list_tensors(path)[0].shape == (4, 6)
    with pytest.raises(F2FError, match=r"expected 96 bytes of raw_data or 24 numbers .*got none"):
        load_layer(path, "w")


def test_two_initializers_of_one_name(onnx, tmp_path):
    tensors = [onnx.numpy_helper.from_array(VALUES + by, "w") for by in (0, 1)]
    graph = onnx.helper.make_graph([], "g", [], [], tensors)
    (tmp_path / "w.onnx").write_bytes(onnx.helper.make_model(graph).SerializeToString())
    with pytest.raises(F2FError, match="two tensors have the name w: expected each name once"):
        list_tensors(tmp_path / "w.onnx")
