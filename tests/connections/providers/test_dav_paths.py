"""Sets of paths that lie in a file: they behave as any other, in order, and memory stays small."""

import pytest

from connections.providers.dav.paths import Etags, PathSet


def test_set_holds_each_path_once_in_order():
    paths = PathSet(["/b.ics", "/ä.ics", "/a.ics", "/b.ics"])
    paths.add("/c.ics")
    paths.discard("/a.ics")
    paths.discard("/never.ics")

    assert list(paths) == ["/b.ics", "/c.ics", "/ä.ics"]
    assert len(paths) == 3
    assert "/c.ics" in paths
    assert "/a.ics" not in paths


def test_sets_are_combined_as_others_are():
    one, other = PathSet("abc"), PathSet("bcd")

    assert list(one | other) == ["a", "b", "c", "d"]
    assert list(one & other) == ["b", "c"]
    assert list(one - other) == ["a"]
    assert list(one | {"z"}) == ["a", "b", "c", "z"]
    assert not PathSet()
    assert list(one) == ["a", "b", "c"]


def test_etags_are_a_mapping():
    etags = Etags([("/a.ics", '"1"'), ("/b.ics", "")])
    etags.update({"/a.ics": '"2"', "/c.ics": '"3"'})
    del etags["/c.ics"]

    assert etags == {"/a.ics": '"2"', "/b.ics": ""}
    assert (etags.get("/never.ics"), "/b.ics" in etags) == (None, True)
    with pytest.raises(KeyError):
        etags["/never.ics"]
    with pytest.raises(KeyError):
        del etags["/never.ics"]
