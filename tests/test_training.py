"""Training the sample networks gives the same bytes again, and prunes as it says."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from f2f_viz.codec.decode import decode  # noqa: E402
from f2f_viz.files.model_file import open_model  # noqa: E402
from f2f_viz.samples import predict  # noqa: E402
from f2f_viz.samples.networks import NETWORKS  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
import prune_while_training as ways  # noqa: E402
import train_samples as script  # noqa: E402

sys.path.pop(0)


@pytest.fixture
def one_thread():
    """As the script's `main` sets it; put back after."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(before)


@pytest.mark.slow
def test_the_same_bytes_again(one_thread, tmp_path):
    for folder in ("a", "b"):
        torch.rand(7)  # what was drawn before does not matter
        short = replace(script.RECIPES["digits-resnet"], dense_steps=12, prune_steps=24)
        script.make("digits-resnet", short, tmp_path / folder)
    for name in ("digits-resnet.f2f", "digits_test.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    model = open_model(tmp_path / "a" / "digits-resnet.f2f")
    pruned = NETWORKS["digits-resnet"].pruned
    for method in ways.METHODS:
        for rate in script.RATES:
            found = [decode(model.layer(f"{method}-{rate}/{name}")) for name in pruned]
            zeros = sum(int((weights == 0).sum()) for weights in found)
            assert zeros == pytest.approx(rate * sum(w.size for w in found), abs=2), method


@pytest.mark.parametrize("name", NETWORKS)
def test_numpy_and_pytorch_agree(name):
    torch.manual_seed(3)
    model = script.RECIPES[name].create()
    learn, _, test = script.split_digits()
    with torch.no_grad():
        model(learn[0][:64])  # batch norms have seen something
        model.eval()
        expected = model(torch.from_numpy(test["images"]).float()).numpy()
    weights = {n: v.numpy() for n, v in model.state_dict().items()}
    images = test["images"].astype(np.float32) / 16
    np.testing.assert_allclose(NETWORKS[name].logits(weights, images), expected, atol=1e-4)
    assert (predict(weights, test["images"], name) == expected.argmax(1)).mean() > 0.99


def test_the_three_parts_share_no_digit():
    learn, choose, test = script.split_digits()
    parts = [learn[0].numpy(), choose[0].numpy(), test["images"].astype(np.float32)]
    assert [len(part) for part in parts] == [1149, 288, 360]
    every = np.concatenate(parts).reshape(1797, -1)
    assert len(np.unique(every, axis=0)) == 1797


def test_top_drops_the_least():
    scores = torch.tensor([[3.0, 1.0], [2.0, 5.0]])
    assert ways.top(scores, 0.5).tolist() == [[1, 0], [0, 1]]
    both = ways.top_of_all({"a": scores, "b": torch.tensor([9.0, 0.0])}, 0.5)
    assert {n: m.tolist() for n, m in both.items()} == {"a": [[1, 0], [0, 1]], "b": [1, 0]}
