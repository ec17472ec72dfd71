"""The manifest: what it says survives, what is torn is passed over."""

import json

import pytest

from nonloc.errors import UsageError
from nonloc.jobs.manifest import Entry, Manifest, Output

ENTRY = Entry(
    "../in/a.png", "cafe", (10, 2, 3), "ab", {"sigma": "20"}, (Output("a.png", 7, "cd"),), 1.5, {"method": "gaussian"}
)


def written(path, *inputs):
    book = Manifest(path)
    book.task("cafe", {"verb": "denoise"})
    for name in inputs:
        book.done(Entry(name, *list(vars(ENTRY).values())[1:]))
    book.close()
    return path


def test_what_was_written_is_read_again(tmp_path):
    path = written(tmp_path / "out/job.jsonl", "../in/a.png")
    book = Manifest(path)
    assert book.entries == {"../in/a.png": [ENTRY]}
    assert book.tasks == {"cafe": {"verb": "denoise"}}
    assert [p.name for p in book.results()] == ["a.png"]
    book.close()


def test_every_cut_of_the_last_line_costs_that_line_and_no_other(tmp_path):
    data = written(tmp_path / "whole.jsonl", "a", "b").read_bytes()
    last = data.rstrip(b"\n").rindex(b"\n") + 1
    for cut in range(last + 1, len(data) - 1, 7):
        path = tmp_path / "torn.jsonl"
        path.write_bytes(data[:cut])
        book = Manifest(path)
        assert list(book.entries) == ["a"]
        assert book.torn == 1
        book.done(Entry("c", *list(vars(ENTRY).values())[1:]))
        book.close()
        assert list(Manifest(path, write=False).entries) == ["a", "c"]


def test_garbage_between_the_lines_is_passed_over(tmp_path):
    path = written(tmp_path / "job.jsonl", "a")
    path.write_bytes(b'\0\xff\n[1]\n{"done": "x"}\n7\n' + path.read_bytes())
    assert list(Manifest(path, write=False).entries) == ["a"]


def test_two_runs_cannot_write_to_one_manifest(tmp_path):
    path = written(tmp_path / "job.jsonl")
    first = Manifest(path)
    with pytest.raises(UsageError, match="another run"):
        Manifest(path)
    first.close()
    Manifest(path).close()


def test_nothing_is_made_before_there_is_something_to_say(tmp_path):
    Manifest(tmp_path / "out/job.jsonl").close()
    assert list(tmp_path.iterdir()) == []


def test_names_that_are_no_unicode_come_back(tmp_path):
    name = "caf\udce9.png"
    path = written(tmp_path / "job.jsonl", name)
    assert all(json.loads(line) for line in path.read_text(encoding="ascii").splitlines())
    assert list(Manifest(path, write=False).entries) == [name]
