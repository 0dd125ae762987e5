import pytest

import f2f_viz as f2f
from f2f_viz.app import address
from f2f_viz.app.sources import load

START = f2f.Analyzer().state
PRUNED = "digits-transformer/gradual-0.9/ffn1.weight"
CHANGED = {
    "number_format": "int4/channel",
    "method": "n:m",
    "rate": 0.75,
    "per": "row",
    "threshold": 0.25,
    "pattern": "1:4",
    "mask": "/data/12",
    "scores": "a b&c=ü.npy",
    "seed": 3,
    "n_in": 5,
    "n_s": 2,
    "n_out": 30,
    "fit_n_out": False,
    "plain": False,
    "order": "row",
    "coding": "chunk",
    "mask_coding": "bitmap",
    "recode": False,
    "zero_rate": False,
    "matrix": "light",
    "weights": [2, None, 1],
    "matrix_seed": 7,
    "tab": "Decoder",
    "plane": 3,
    "cycle": 12,
    "bit": 4,
    "lanes": 40,
    "clock": 7,
    "trellis": "layer",
    "unfolded": 5,
    "step": 2,
}


def through(state):
    """Write a state as a query, and read that."""
    query = f"?token=abc&{address.query_of(state, START)}"
    return address.whole(address.read_query(query, START), START)


def same(state):
    """Row weights may be a text."""
    return state | {"weights": f2f.Code(weights=state["weights"]).weights}


@pytest.mark.parametrize("name", sorted(CHANGED))
def test_every_field_goes_through_an_address(name):
    state = START | {name: CHANGED[name]}
    assert same(through(state)) == same(state)


def test_all_fields_are_tried():
    assert {*CHANGED, *address.LAYER} == set(START)
    assert all(START[name] != value for name, value in CHANGED.items())


@pytest.mark.parametrize(
    "layer",
    [
        {"sample": f2f.sample_names()[3]},
        {"sample": PRUNED, "method": "zeros"},
        {"sample": PRUNED, "method": "magnitude"},
        {"source": "path", "path": "/data/1 &=ü.npz", "tensor": "7"},
        {"source": "upload"},
        {"source": "upload", "method": "zeros"},
    ],
)
def test_layers_go_through_an_address(layer):
    state = START | layer
    assert same(through(state)) == same(state)


def test_nothing_chosen_is_nothing_said():
    assert address.query_of(START, START) == ""


def test_what_cannot_be_is_left_out():
    found = address.read_query("cycle=-1&plane=x&bit=1.5&source=moon&token=abc&theme=dark", START)
    assert found == {}
    assert address.read_query("cycle=true&plane=false&bit=true&step=true", START) == {}
    with pytest.raises(f2f.F2FError, match="bit"):
        address.whole({"bit": True}, START)
    query = "lanes=0&lanes=300&clock=-1&trellis=moon&unfolded=x"
    assert address.read_query(query, START) == {}
    for name, value in {"lanes": 300, "clock": -1, "trellis": "moon", "unfolded": True}.items():
        with pytest.raises(f2f.F2FError, match=name):
            address.whole({name: value}, START)
    assert address.read_query("bit=" + "[" * 10_000, START) == {}
    assert address.foreign("?token=abc&rate=1&theme=dark", START) == [
        ("token", "abc"),
        ("theme", "dark"),
    ]


@pytest.mark.parametrize("name", ["moon", "", "a/b", [], {}])
def test_a_sample_that_there_is_none_of_is_refused_when_it_is_loaded(name):
    state = address.whole({"sample": name}, START)
    assert state["method"] == START["method"]
    with pytest.raises(f2f.F2FError, match="expected"):
        load(state, None)
