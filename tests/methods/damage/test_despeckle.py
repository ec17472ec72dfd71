import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from nonloc.degradation import SaltAndPepper
from nonloc.methods.registry import create


def page(size, blur):
    """A page of text of that size in pixels, (1, 1, H, W)."""
    image = Image.new("L", (420, 220), 255)
    draw = ImageDraw.Draw(image)
    text = "Specks on a scan; this is a line of ink. i.j:k, thin strokes - dots too!"
    for row in range(220 // (2 * size)):
        draw.text((8 + row, 6 + row * size * 3 // 2), text[3 * row :], font=ImageFont.load_default(size=size), fill=20)
    return np.asarray(image.filter(ImageFilter.GaussianBlur(blur)), np.float32)[None, None] / 255


def f1(found, ink):
    found, ink = found < 0.5, ink < 0.5
    return 2 * (found & ink).sum() / (found.sum() + ink.sum())


@pytest.mark.parametrize("strokes", ["thin", "thick"])
@pytest.mark.parametrize(("size", "blur"), [(16, 0.6), (24, 0.0), (24, 0.6)])
def test_ink_is_nearer_to_the_truth_than_after_a_median(size, blur, strokes):
    clean = page(size, blur)
    specked = SaltAndPepper(0.05).apply(clean, np.random.default_rng(0))
    out, _ = create("despeckle", channels=1, arguments={"strokes": strokes}).restore(specked, None)
    assert f1(out, clean) > 0.94
    assert f1(out, clean) > f1(create("median", channels=1).restore(specked, None), clean) + 0.03
    assert f1(out, clean) > f1(specked, clean) + 0.05


def test_soft_text_stays_and_the_mask_says_what_changed():
    clean = page(16, 0.6)
    specked = clean.copy()
    specked[..., 200:202, 400] = 0
    out, extras = create("despeckle", channels=1).restore(specked, None)
    assert f1(out, clean) > 0.99
    np.testing.assert_array_equal(extras["mask"], out != specked)
    assert extras["mask"][0, 0, 200:202, 400].all()


def test_thick_also_takes_what_sticks_out_of_a_stroke():
    stroke = np.ones((1, 1, 20, 30), np.float32)
    stroke[..., 8:12, 3:27] = 0
    specked = stroke.copy()
    specked[..., 7, 15], specked[..., 8, 20] = 0, 1  # on the rim: a bump, and a bite
    outs = {
        k: create("despeckle", channels=1, arguments={"strokes": k}).restore(specked, None)[0]
        for k in ("thin", "thick")
    }
    assert outs["thin"][0, 0, 7, 15] == 0
    assert outs["thick"][0, 0, 7, 15] == 1
    assert outs["thick"][0, 0, 10, 15] == 0
