"""Tables: what stands beside what, and that a figure is never shown beside one of another kind."""

import json
import re
from dataclasses import replace

import pytest
from rows import ROW, measured

from nonloc.benchmark import Results, render, render_table2
from nonloc.benchmark.table import Table
from nonloc.errors import UsageError
from nonloc.methods.card import read_card
from nonloc.methods.registry import card, methods


def line(text, name):
    return next(row for row in text.splitlines() if row.startswith(name)).split()


def test_means_stand_beside_the_published_ones_and_the_protocol_above():
    text = render(measured())
    assert "BSD68, 68 gray pictures, track matlab4, regime float" in text
    assert line(text, "bm3d") == ["bm3d", "28.50", "31.07", "0.8123", "27.50", "28.57", "0.8123", "1.2"]


def test_differences_are_paired_with_their_interval():
    text = render(measured())
    # 34 pictures at 0.25 and 34 at 0.35: mean 0.3, interval 1.996 * 0.05037 / sqrt(68)
    assert "PSNR minus that of bm3d" in text
    assert "nlrn    +0.300 ± 0.012  +0.300 ± 0.012" in text
    assert "-0.300 ± 0.012" in render(measured(), against="nlrn")


@pytest.mark.parametrize("changes", [{"regime": "clip8"}, {"track": "truncated"}, {"count": 67}])
def test_published_figures_are_not_shown_beside_another_kind(changes):
    assert "31.07" in render(measured())
    assert "31.07" not in render(measured(**changes))
    assert "published" not in render(measured(**changes))


def test_a_doubtful_published_figure_is_marked_and_explained():
    text = render(measured(methods=("nnc",)))
    assert "31.49†" in text
    assert "† nnc, published figure: 25.25 is probably a misprint" in text


def test_several_draws_give_a_standard_error():
    one, other = measured(track="numpy:0"), measured(track="numpy:1")
    other.rows = [replace(row, psnr=row.psnr + 0.02) for row in other.rows]
    text = render(Results(one.rows + other.rows))
    assert "track numpy:0, numpy:1" in text
    assert "28.51 ± 0.010" in text


def test_two_regimes_are_two_tables():
    text = render(Results(measured().rows + measured(regime="clip8").rows))
    assert text.index("regime float") < text.index("regime clip8")


def test_unfinished_and_refused_methods_are_told():
    results = measured()
    results.rows = [row for row in results.rows if row.method == "bm3d" or row.picture < "test020"]
    results.refused = ["set bsd68, dncnn: it has no weights"]
    text = render(results)
    assert "nlrn at σ 15: 20 of 68 pictures so far" in text
    assert "not run: set bsd68, dncnn: it has no weights" in text


def test_real_noise_shows_the_gain_and_the_worst_picture():
    base = replace(ROW, set="polyu40", track="real", regime="clip8", sigma=None, psnr_input=36.0)
    results = Results([replace(base, picture=f"p{i}", psnr=37.0 + i) for i in range(4)])
    text = render(results)
    assert "4 colour pictures, real noise" in text
    assert line(text[text.index("Gain") :], "bm3d")[:6] == ["bm3d", "blind", "+2.500", "±", "2.054", "+1.00"]


def test_json_holds_the_same_figures():
    data = json.loads(render(measured(), "json"))
    assert data["means"][0]["psnr"] == pytest.approx(28.5)
    assert data["means"][0]["published"] == 31.07
    assert data["differences"][0]["mean"] == pytest.approx(0.3)


def test_markdown_and_latex_are_written_as_their_readers_want_them():
    table = Table("50 % of a_b", ("method", "σ 15"), (("a|b", "-1.5 ± 0.1"), ("c_d", "-")), ("a note",))
    assert table.markdown().splitlines() == [
        "50 % of a_b",
        "",
        "| method | σ 15 |",
        "| --- | ---: |",
        "| a\\|b | -1.5 ± 0.1 |",
        "| c_d | - |",
        "",
        "- a note",
    ]
    assert r"\caption{50 \% of a\_b}" in table.latex()
    assert r"a|b & $-1.5$ $\pm$ 0.1 \\" in table.latex()
    assert r"c\_d & - \\" in table.latex()


def test_another_form_is_an_error():
    with pytest.raises(UsageError, match="text, markdown, latex, json"):
        render(measured(), "html")


def test_table_2_has_24_rows_and_only_whole_measurements():
    text = render_table2(measured())
    assert sum(row.startswith("| ") for row in text.splitlines()) == 26
    assert "| BM3D | 31.07 / 28.57 / 25.62 | 31.07 / 28.57 / 25.62 | 28.50² / 27.50² / - |" in text
    assert "| TNRD† | 31.24 / 28.92 / 25.97 | 31.42 / 28.92 / 25.97 | - |" in text
    assert "28.50" not in render_table2(measured(count=67))


def test_table_2_marks_the_three_best_of_a_column_where_the_noise_is_the_same():
    lines = {line.split(" | ")[0].strip("| "): line.split(" | ")[1:] for line in render_table2(measured()).splitlines()}
    assert lines["ELDRN†"][0] == "32.11 / 29.68 / 26.76"  # truncated noise: the highest figures, and no mark
    assert lines["NLRN"][0] == "31.88¹ / 29.41¹ / 26.47²"
    assert lines["MWCNN"][0] == "31.86² / 29.41¹ / 26.53¹"
    assert sum(cells[0].count("³") for cells in lines.values() if len(cells) > 5) == 3


def test_table_2_says_how_each_row_was_made():
    rows = {row["row"]: row for row in json.loads(render_table2(measured(), "json"))}
    assert rows["BM3D"]["kind"] == "faithful, below"  # 28.50 against 31.07
    assert rows["BM3D"]["measured"] == {"15": 28.5, "25": 27.5}
    assert rows["BM3D"]["parameters"] is None
    assert rows["DnCNN"]["parameters"] == 556_097
    assert rows["DnCNN"]["kind"] == "faithful, no weights yet"
    assert rows["NN3D"]["kind"] == "re-created"
    assert all(row["method"] for row in rows.values())  # all 24 are built
    better = Results([replace(row, psnr=row.psnr + 3) for row in measured().rows])
    assert {row["row"]: row["kind"] for row in json.loads(render_table2(better, "json"))}["BM3D"] == "reproduced"


def test_re_creations_are_marked_wherever_they_are_told_of():
    names = [name for name in methods() if card(name).fidelity == "re-creation"]
    assert "bm3d-net" in names
    found = measured(methods=("bm3d", *names))
    rendered = {format: render(found, format) for format in ("text", "markdown", "latex", "json")}
    table2 = {format: render_table2(found, format) for format in ("text", "markdown", "json")}
    told = {one["method"]: one["fidelity"] for one in json.loads(rendered["json"])["means"]}
    kinds = {one["row"]: one["kind"] for one in json.loads(table2["json"])}
    for name in names:
        assert told[name] == "re-creation"
        assert rf"{name}$\ddagger$" in rendered["latex"]
        assert all("re-creation" in weights.file for weights in read_card(card(name).path).weights)
        for format in ("text", "markdown"):
            assert f"{name}‡" in rendered[format]
        if row := card(name).table2:
            assert kinds[row] == "re-created"
            assert all(re.search(rf"{re.escape(row)}†?‡", table2[format]) for format in ("text", "markdown"))
    assert told["bm3d"] == "faithful"
    assert "‡" not in render(measured(), "text")
