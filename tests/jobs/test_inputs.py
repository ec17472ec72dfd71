"""What a user names becomes a list of pictures."""

import io
import os

import pytest
from job_files import fill

from nonloc.errors import UsageError
from nonloc.jobs.inputs import gather


def paths(found):
    return [item.path.as_posix() for item in found.inputs]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_gives_its_pictures_by_content_and_name(here):
    fill(here, "p/b.png", "p/a.tif", "p/sub/c.png", "p/.hidden.png", "p/.trash/d.png")
    (here / "p/e.png").write_text("no picture")
    os.rename(here / "p/b.png", here / "p/photo")  # a picture without an ending is one
    found = gather(["p"])
    assert paths(found) == ["p/a.tif", "p/photo"]
    assert [path.name for path in found.skipped] == ["e.png"]
    assert found.subfolders == 1
    assert not found.single


def test_with_r_sub_folders_come_after_the_files_and_keep_their_place(here):
    fill(here, "p/z.png", "p/a/b.png", "p/a/c/d.png", "p/0/e.png")
    found = gather(["p/"], recursive=True)
    assert paths(found) == ["p/z.png", "p/0/e.png", "p/a/b.png", "p/a/c/d.png"]
    assert [item.inside.as_posix() for item in found.inputs] == [".", "0", "a", "a/c"]


def test_the_output_folder_is_not_walked_into_unless_it_is_named(here):
    fill(here, "p/a.png", "p/clean/b.png")
    assert paths(gather(["p"], recursive=True, leave=[here / "p/clean"])) == ["p/a.png"]
    assert paths(gather(["p/clean"], recursive=True, leave=[here / "p/clean"])) == ["p/clean/b.png"]


def test_patterns_are_expanded_and_a_file_of_that_name_is_itself(here):
    fill(here, "p/a1.png", "p/a2.png", "p/b.tif", "p/x/a3.png", "p/a[1].png")
    (here / "p/a9.txt").write_text("no picture")
    assert paths(gather(["p/a?.png"])) == ["p/a1.png", "p/a2.png"]
    assert paths(gather(["p/a[1].png"])) == ["p/a[1].png"]
    deep = gather(["p/**/*.png"])
    assert paths(deep) == ["p/a1.png", "p/a2.png", "p/a[1].png", "p/x/a3.png"]
    assert deep.inputs[-1].inside.as_posix() == "x"
    assert len(gather(["p/a*"]).skipped) == 1


def test_what_is_named_and_missing_is_an_error_and_the_rest_goes_on(here):
    fill(here, "a.png")
    found = gather(["no.png", "a.png", "*.gif"])
    assert paths(found) == ["a.png"]
    assert [name for name, _ in found.failed] == ["no.png", "*.gif"]
    assert "no such file" in str(found.failed[0][1])
    assert "no file matches" in str(found.failed[1][1])


def test_a_named_file_is_taken_even_if_it_is_no_picture(here):
    (here / "a.txt").write_text("no picture")
    assert paths(gather(["a.txt"])) == ["a.txt"]


def test_a_file_found_twice_is_worked_on_once(here):
    fill(here, "p/a.png", "p/b.png")
    os.symlink(here / "p/a.png", here / "link.png")
    assert paths(gather(["p/b.png", "p", "./p/a.png", "link.png"])) == ["p/b.png", "p/a.png"]


def test_a_link_to_a_folder_above_does_not_go_round_in_circles(here):
    fill(here, "p/a.png")
    os.symlink(here / "p", here / "p/again")
    assert paths(gather(["p"], recursive=True)) == ["p/a.png"]


def test_lists_name_files_literally(here):
    fill(here, "a.png", "b c.png", "*.png", "sub/d.png")
    (here / "list.txt").write_text("b c.png\r\n\n*.png\nsub\nmissing.png\n")
    found = gather(["@list.txt"])
    assert paths(found) == ["b c.png", "*.png", "sub/d.png"]
    assert [name for name, _ in found.failed] == ["missing.png"]
    assert not found.single
    zero = gather([], files0_from="-", stdin=io.BytesIO(b"a.png\0sub/d.png\0"))
    assert paths(zero) == ["a.png", "sub/d.png"]
    with pytest.raises(UsageError, match="no-list"):
        gather(["@no-list.txt"])


def test_a_file_whose_name_begins_with_at_is_a_file(here):
    fill(here, "@a.png")
    assert paths(gather(["@a.png"])) == ["@a.png"]


def test_names_that_are_no_unicode_are_files_too(here):
    name = b"p/caf\xe9.png"
    fill(here, "p/a.png")
    os.rename(b"p/a.png", name)
    assert [os.fsencode(item.path) for item in gather(["p"]).inputs] == [name]


def test_only_one_file_named_by_itself_is_single(here):
    fill(here, "p/a.png")
    assert gather(["p/a.png"]).single
    for words in (["p"], ["p/*.png"], ["p/a.png", "p/a.png"]):
        assert not gather(words).single
