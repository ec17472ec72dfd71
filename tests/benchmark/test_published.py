"""Table 2 of the article, row by row, and what stands beside it."""

from nonloc.benchmark.published import caveat, published, row_name, table2_rows

ARTICLE = """
BM3D 31.07 28.57 25.62 | WNNM 31.37 28.83 25.87 | EPLL 31.21 28.68 25.67 | MLP - 28.96 26.03 | CSF 31.24 28.74 -
TNRD 31.24 28.92 25.97 | ECNDNet 31.71 29.22 26.23 | RED - - 26.35 | DnCNN 31.72 29.23 26.23
DDRNet 31.68 29.18 26.21 | PHGMS 31.86 - 26.36 | MemNet - - 26.35 | EEDN 31.58 28.97 26.03
NBCNN 31.57 29.11 26.16 | NNC 31.49 28.88 25.25 | ELDRN 32.11 29.68 26.76 | PSN-K 31.70 29.27 26.32
DWDN 31.78 29.36 - | MWCNN 31.86 29.41 26.53 | BM3D-Net 31.42 28.83 25.73 | FFDNet 31.62 29.19 26.30
BRDNet 31.79 29.29 26.36 | NN3D - - 26.42 | NLRN 31.88 29.41 26.47
"""


def test_all_24_rows_are_as_printed():
    rows = [row.split() for line in ARTICLE.strip().splitlines() for row in line.split("|")]
    assert [
        [row.name, *(f"{row.article[sigma]:.2f}" if sigma in row.article else "-" for sigma in (15, 25, 50))]
        for row in table2_rows()
    ] == rows
    assert len(rows) == 24


def test_the_copying_error_is_mended_beside_it():
    assert published("tnrd", "bsd68")[15] == 31.42
    assert caveat("tnrd") == "31.24 is a copying error"


def test_every_source_says_whose_it_is():
    assert all(bool(row.source) == bool(row.origin) for row in table2_rows())
    assert {row.evidence for row in table2_rows()} == {"paper", "table", "code", "survey"}


def test_methods_find_their_row_by_card_or_by_name():
    assert row_name("dncnn") == "DnCNN"
    assert row_name("bm3d-net:ensemble=8") == "BM3D-Net"
    assert row_name("gaussian") == "gaussian"


def test_other_sets_have_figures_of_their_own():
    assert published("ffdnet", "kodak24")[50] == 28.99
    assert published("gaussian", "bsd68") == {}
    assert published("nl-means", "kodak24") == {}
