"""Every tab says what one is looking at, in words that the glossary knows."""

import re

from f2f_viz.app import guide, words
from f2f_viz.app.tabs import TABS


def plain(pieces):
    return "".join(text for text, _ in pieces)


def test_every_tab_has_a_text():
    assert set(TABS) <= set(words.view_names())


def test_a_text_is_a_sentence_with_what_to_try_and_more():
    ids = set(re.findall(r'id="([^"]+)"', guide.page()))
    for name, view in words.views().items():
        assert 1 <= plain(view["sentence"]).count(".") <= 2, name
        assert 2 <= len(re.findall(r"[.?!](?: |$)", plain(view["more"]))) <= 3, name
        assert view["chapter"] in ids, name


def test_words_of_the_glossary_explain_themselves_once():
    pieces = words.explained("Care bits of a block: a care bit, n_u, E and re-plane; two Planes.")
    told = [text for text, meaning in pieces if meaning]
    assert told == ["Care bits", "block", "Planes"]
    assert plain(pieces) == "Care bits of a block: a care bit, n_u, E and re-plane; two Planes."
    assert dict(map(tuple, pieces))["Care bits"].startswith("A bit of a kept weight")


def test_the_glossary_is_plain_text():
    found = words.glossary()
    assert len(found) > 30
    for meaning in found.values():
        assert not re.search(r"[*`\n]|\]\(", meaning)
        assert meaning.endswith(".")
