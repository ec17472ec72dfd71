"""What outputs are called."""

from pathlib import Path

import pytest
from job_files import fill

from nonloc.errors import UsageError
from nonloc.jobs.inputs import Input
from nonloc.jobs.names import Names


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fill(tmp_path, "p/x/a.png")
    return tmp_path


SOURCE = Input(Path("p/x/a.png"), Path("x"))


def named(output, fields=None, single=False, source=SOURCE):
    return Names.read(output, "denoise", "denoised", single=single).path(source, fields).as_posix()


def test_by_default_the_result_lies_beside_its_input():
    assert named(None) == "p/x/a-denoised.png"


def test_a_folder_mirrors_the_folders_of_the_inputs():
    assert named("clean/") == "clean/x/a.png"
    assert named("clean") == "clean/x/a.png"  # several inputs, no ending: a folder that is to be made
    assert named("p") == "p/x/a.png"


def test_one_input_goes_to_the_file_that_is_named():
    assert named("b.tif", single=True) == "b.tif"


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{dir}/{stem}_{verb}{ext}", "p/x/a_denoise.png"),
        ("out/{dir}/{stem}.tif", "out/p/x/a.tif"),
        ("{stem}_{method}_{sigma}{ext}", "a_bm3d_18.4.png"),
        ("{{{stem}}}{ext}", "{a}.png"),
    ],
)
def test_templates_are_filled(template, name):
    assert named(template, {"method": "bm3d", "sigma": "18.4"}) == name


def test_a_template_cannot_lead_out_of_its_folder(here):
    absolute = Input(here / "p/x/a.png")
    assert named("out/{dir}/{stem}{ext}", source=absolute).startswith(f"out{here.as_posix()}/p/x/")
    assert named("out/{dir}/{stem}{ext}", source=Input(Path("p/../p/x/a.png"))) == "out/p/p/x/a.png"


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("{dir}/{name}{ext}", "{stem}, {ext}, {verb}, {method}, {sigma}"),
        ("{dir}/{stem", "expected '}'"),
        ("{stem:>9}{ext}", "no format of their own"),
        ("{dir}/{stem}_{sigma}", "ending"),
        ("one.png", "several inputs"),
    ],
)
def test_names_that_cannot_be_are_explained(output, said):
    with pytest.raises(UsageError) as raised:
        named(output)
    assert said in str(raised.value)


def test_the_ending_is_that_of_the_content(here):
    (here / "b.jpg").write_bytes((here / "p/x/a.png").read_bytes())
    assert named(None, source=Input(Path("b.jpg"))) == "b-denoised.png"


def test_late_fields_are_known_as_such():
    assert Names.read("{stem}_{sigma}{ext}", "denoise", "denoised", single=False).late
    assert not Names.read("{stem}{ext}", "denoise", "denoised", single=False).late
