import os

import pytest

import f2f_viz as f2f
from f2f_viz.app import address, session

START = f2f.Analyzer().state


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(session, "here", set())


@pytest.fixture(params=["kernel", "server"])
def place(request, monkeypatch, tmp_path):
    """Where the session keeps its list."""
    if request.param == "server":
        monkeypatch.setenv(session.SESSION, str(tmp_path / "list"))


@pytest.mark.parametrize("name", ["path", "mask", "scores"])
def test_an_address_names_only_what_was_opened(place, tmp_path, name):
    mine, other = tmp_path / "mine.npy", tmp_path / "line\nbreak ü\udcff.npy"
    query = f"rate=0.5&{name}={mine}"
    values, refused = session.admit(address.read_query(query, START))
    assert not values[name]
    assert str(mine) in refused[name]
    assert values["rate"] == 0.5
    session.remember(str(mine))
    session.remember(str(other))
    values, refused = session.admit(address.read_query(query, START))
    assert values[name] == str(mine)
    assert refused == {}
    assert session.admit({name: str(other)})[1] == {}


def test_a_link_that_leads_elsewhere_now_is_another_file(place, tmp_path):
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    link = tmp_path / "link"
    link.symlink_to("a")
    session.remember(str(link))
    assert session.admit({"path": str(link)})[1] == {}
    link.unlink()
    link.symlink_to("b")
    assert "path" in session.admit({"path": str(link)})[1]


def test_samples_need_no_opening(place):
    linked = address.read_query("sample=digits-mlp/dense/fc1.weight&seed=3", START)
    assert session.admit(linked) == (linked, {})


def test_pages_of_one_server_share_the_list(monkeypatch, tmp_path):
    monkeypatch.setenv(session.SESSION, str(tmp_path / "list"))
    session.remember("/data/a.npy")
    session.remember("/data/a.npy")
    session.remember_files(f2f.Settings(method="mask", mask="/data/a.npy", scores="/data/b.npy"))
    assert (tmp_path / "list").read_text() == '"/data/a.npy"\n'
    monkeypatch.delenv(session.SESSION)
    assert "path" in session.admit({"path": os.fspath("/data/a.npy")})[1]
