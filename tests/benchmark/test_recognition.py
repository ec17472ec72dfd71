"""Faces are found again and plates read again after restoration; cascade, reader and counting on known answers."""

import numpy as np
import pytest
import recognition
import recognition_reader as reader

import nonloc


def rng(seed=0):
    return np.random.default_rng(seed)


def test_clean_plates_are_read_by_both_readers():
    for seed in range(8):
        text = reader.text_of(rng(seed))
        plate = reader.draw(text, rng(seed), 0.5)
        assert reader.read_places(plate) == text
        assert reader.errors(reader.read_shapes(plate), text) <= 1  # 5 and 6 are alike in outline


def test_letters_are_as_high_as_is_said_and_none_is_another():
    masks = [reader.letter(c) > 0.5 for c in reader.LETTERS]
    assert all(16 <= mask.any(1).sum() <= 20 for mask in masks)
    assert len({mask.tobytes() for mask in masks}) == len(reader.LETTERS)


def test_a_plate_lies_elsewhere_each_time():
    plates = [reader.draw("ABC1234", rng(seed), 0.5) for seed in range(6)]
    assert any((plates[0] != plate).any() for plate in plates[1:])
    assert all(plate.min() >= 0 and plate.max() <= 1 for plate in plates)


def test_an_empty_plate_has_no_letters():
    picture = reader.draw("A" * reader.COUNT, rng(), 0.0)
    assert len(reader.read_shapes(picture)) == 0


def test_what_is_everywhere_alike_has_no_shape():
    assert (reader.standard(np.full((3, 4), 0.2, np.float32)) == 0).all()


@pytest.mark.parametrize(
    ("found", "text", "wrong"),
    [("ABC", "ABC", 0), ("ABD", "ABC", 1), ("AC", "ABC", 1), ("ABXC", "ABC", 1), ("", "ABC", 3)],
)
def test_errors_count_changes_additions_and_losses(found, text, wrong):
    assert reader.errors(found, text) == wrong


def test_otsu_finds_the_gap_between_two_heaps():
    values = np.concatenate([rng().normal(0.2, 0.02, 300), rng(1).normal(0.8, 0.02, 100)])
    np.testing.assert_array_equal(values < reader.otsu(values), values < 0.5)


def test_boxes_share_what_they_share():
    assert recognition.shared((0, 0, 10), (0, 0, 10)) == 1
    assert recognition.shared((0, 0, 10), (5, 0, 10)) == pytest.approx(1 / 3)
    assert recognition.shared((0, 0, 10), (20, 0, 10)) == 0


def test_a_face_counts_once_and_what_is_no_face_is_false():
    face, missed, wall = (10, 10, 30), (60, 10, 30), (200, 200, 30)
    clean = [(11, 10, 30), (61, 11, 30), (100, 100, 30)]
    assert recognition.judge([(12, 12, 30), wall], clean, [face, missed]) == (1, 2, 1)
    assert recognition.judge(clean, clean, [face, missed]) == (2, 2, 1)


def test_a_far_face_is_small_and_is_still_where_it_is_said_to_be():
    clean = np.zeros((400, 500), np.uint8)
    clean[100:292, 200:392] = 255
    small, [(x, y, side)] = recognition.part(clean, [(200, 100, 192)], "far")
    assert side == recognition.FAR
    assert (small[y + 1 : y + side - 1, x + 1 : x + side - 1] > 250).all()
    assert max(small.shape) <= recognition.WINDOW["far"]


def test_the_dark_picture_is_as_bright_as_the_clean_one_where_it_is_shown():
    clean = np.full((64, 64, 3), 120, np.uint8)
    dark = recognition.spoil(clean, recognition.SPOILT["a tenth of the light"], 0)
    assert dark.dtype == np.uint16
    assert dark.mean() == pytest.approx(65535 * 12 / 255, rel=0.02)
    assert recognition.seen(dark).mean() == pytest.approx(120, abs=4)  # clipping at black


def test_restoration_more_than_halves_the_errors_of_the_reader_of_shapes():
    """Sigma 50, level estimated; the reader fails on more than a third of the letters of the noisy plates."""
    noisy = recognition.read(50, "noisy", 4, seed=1)["shapes"]
    restored = recognition.read(50, "default", 4, seed=1)["shapes"]
    assert noisy > 1 / 3
    assert restored <= noisy / 2


def test_correlation_with_known_shapes_needs_no_restoration():
    assert recognition.read(50, "noisy", 6, seed=1)["places"] == 0


def test_a_cascade_finds_the_face_of_the_astronaut_after_restoration():
    clean = recognition.picture("skimage", "astronaut")
    small, faces = recognition.part(clean, recognition.FACES["skimage", "astronaut"], "far")
    known = recognition.lbp()(recognition.seen(small))
    restored = nonloc.restore(recognition.spoil(small, recognition.SPOILT["sigma 50"], 0))
    found = recognition.judge(recognition.lbp()(recognition.seen(restored)), known, faces)
    assert found == (1, 1, 0)


@pytest.mark.data
def test_in_a_tenth_of_the_light_most_far_faces_are_found_again_after_restoration(data_root):
    """Kind and level of noise estimated. Ninety of a hundred, as hoped for, are not reached: docs/recognition.md."""
    counts = dict.fromkeys(("noisy", "default"), np.zeros(3, int))
    for place, boxes in recognition.FACES.items():
        clean, faces = recognition.part(recognition.picture(*place), boxes, "far")
        known = recognition.lbp()(recognition.seen(clean))
        if not recognition.judge(known, known, faces)[1]:
            continue
        noisy = recognition.spoil(clean, recognition.SPOILT["a tenth of the light"], 0)
        for method in counts:
            found = recognition.lbp()(recognition.seen(recognition.restored_by(method, noisy)))
            counts[method] = counts[method] + recognition.judge(found, known, faces)
    again, faces, false = counts["default"]
    assert counts["noisy"][0] < faces / 3
    assert again > faces / 2
    assert false == 0
