"""Arrays and other libraries' pictures in, the same kind out."""

import numpy as np
import picture_files
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image as Pillow

from nonloc.errors import ImageError
from nonloc.image.array import as_image, like
from nonloc.image.image import Image
from nonloc.image.write import encode

DTYPES = ["u1", "u2", "f2", "f4", "f8"]


@given(
    dtype=st.sampled_from(DTYPES),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    channels=st.integers(1, 6),
    axis=st.sampled_from([0, 1, 2, -1, -2, -3]),
    data=st.data(),
)
def test_an_array_comes_back_as_it_was(dtype, height, width, channels, axis, data):
    shape = [height, width]
    shape.insert(axis % 3, channels)
    elements = st.floats(0, 1, width=16) if dtype[0] == "f" else st.integers(0, 255)
    array = data.draw(arrays(dtype, tuple(shape), elements=elements))
    before = array.copy()
    image = as_image(array, channel_axis=axis)
    assert image.samples.shape[:2] == (height, width)
    assert (image.alpha is not None) == (channels in (2, 4))
    back = like(array, image)
    np.testing.assert_array_equal(back, before)
    assert back.dtype == array.dtype
    assert back.flags["C_CONTIGUOUS"]
    assert not np.shares_memory(back, array)
    np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 2), (5, 6, 3), (5, 6, 4)])
def test_the_usual_shapes_need_no_channel_axis(shape):
    array = np.random.default_rng(0).random(shape)
    np.testing.assert_array_equal(like(array, as_image(array)), array)


@pytest.mark.parametrize("shape", [(5,), (5, 6, 1), (5, 6, 5), (3, 5, 6), (2, 5, 6, 3)])
def test_shapes_that_could_mean_anything_are_asked_about(shape):
    with pytest.raises(ImageError, match="shape"):
        as_image(np.zeros(shape))


def test_an_enlarged_picture_comes_back_with_its_channels_in_place():
    array = np.zeros((3, 5, 6), np.uint8)
    image = as_image(array, channel_axis=0)
    larger = Image(np.ones((10, 12, 3), np.uint8), image.scale, metadata=image.metadata)
    assert like(array, larger).shape == (3, 10, 12)


@pytest.mark.parametrize(
    ("dtype", "black", "white"), [("u1", 0, 255), ("u2", 0, 65535), ("f2", 0, 1), ("f4", 0, 1), ("f8", 0, 1)]
)
def test_whole_numbers_use_their_range_and_floats_the_unit(dtype, black, white):
    image = as_image(np.array([[black, white]], dtype))
    np.testing.assert_array_equal(image.pixels(), [[[0, 1]]])
    assert image.stored(image.pixels()).tolist() == [[black, white]]


def test_noise_beyond_the_unit_is_no_reason_to_ask():
    noisy = np.random.default_rng(0).normal(0.5, 0.3, (50, 50))
    image = as_image(noisy)
    assert (image.scale, image.offset) == (1, 0)
    np.testing.assert_allclose(image.pixels()[0], noisy, rtol=1e-6)


@pytest.mark.parametrize(
    "array",
    [
        np.linspace(0, 255, 64).reshape(8, 8),
        np.linspace(-1, 1, 64).reshape(8, 8),
        np.arange(64, dtype=np.int16).reshape(8, 8),
        np.arange(64, dtype=np.int32).reshape(8, 8),
        np.arange(64, dtype=np.uint32).reshape(8, 8),
    ],
)
def test_measured_values_need_a_range_and_keep_their_unit(array):
    with pytest.raises(ImageError, match="data_range"):
        as_image(array)
    image = as_image(array, data_range=(10, 50))
    np.testing.assert_allclose(image.pixels()[0], (array.astype(float) - 10) / 40, atol=1e-6)
    np.testing.assert_allclose(image.stored(image.pixels()), array, atol=1e-4)
    auto = as_image(array, data_range="auto").pixels()
    assert abs(auto.min()) < 0.01
    assert abs(auto.max() - 1) < 0.01


def test_used_bits_of_uint16_can_be_said():
    image = as_image(np.array([[0, 1023]], np.uint16), bit_depth=10)
    np.testing.assert_array_equal(image.pixels(), [[[0, 1]]])
    with pytest.raises(ImageError, match="1024, which 10 bits cannot hold"):
        as_image(np.array([[0, 1024]], np.uint16), bit_depth=10)
    with pytest.raises(ImageError, match="bit_depth"):
        as_image(np.zeros((2, 2)), bit_depth=10)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((3, 3), bool), "bool"),
        (np.zeros((3, 3), complex), "complex"),
        (np.array([["a"]]), "<U1"),
        (np.zeros((0, 3)), "empty"),
        (np.ma.masked_equal([[0.0, 1.0]], 0), "1 masked"),
    ],
)
def test_arrays_that_are_no_pictures_are_refused(array, said):
    with pytest.raises(ImageError, match=said):
        as_image(array)


def test_nan_and_infinity_are_counted_and_placed():
    array = np.zeros((700, 40))
    array[600, 7] = np.nan
    array[601, 3] = np.inf
    with pytest.raises(ImageError, match=r"2 of 28000 .* \(600, 7\)"):
        as_image(array)


@pytest.mark.parametrize("value", [None, 3.5, [[1, 2]], {"a": 1}])
def test_other_things_are_refused_with_what_they_are(value):
    with pytest.raises(ImageError, match=type(value).__name__):
        as_image(value)


def test_paths_bytes_and_images_give_images(tmp_path):
    array = picture_files.pixels(np.uint16, 3)
    data = encode(as_image(array), "png")
    (tmp_path / "a.png").write_bytes(data)
    for value in (tmp_path / "a.png", str(tmp_path / "a.png"), data, as_image(array)):
        image = as_image(value)
        np.testing.assert_array_equal(image.samples, array)
        assert like(value, image) is image
    with pytest.raises(ImageError, match="channel_axis"):
        as_image(data, channel_axis=2)


def test_a_float_file_far_from_the_unit_asks_for_its_range(tmp_path):
    array = np.linspace(0, 4000, 600, dtype=np.float32).reshape(20, 30)
    (tmp_path / "a.tif").write_bytes(picture_files.tiff(array))
    with pytest.raises(ImageError, match="data_range"):
        as_image(tmp_path / "a.tif")
    image = as_image(tmp_path / "a.tif", data_range=(0, 4000))
    np.testing.assert_allclose(image.pixels()[0], array / 4000, rtol=1e-6)
    np.testing.assert_array_equal(image.samples, array)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "CMYK", "P", "F", "I;16"])
def test_pil_pictures_are_taken_by_their_mode(mode):
    array = picture_files.smooth(3)
    if mode == "F":
        picture = Pillow.fromarray(array[..., 0].astype(np.float32) / 255)
    elif mode == "I;16":
        picture = Pillow.fromarray(array[..., 0].astype(np.uint16) * 257)
    else:
        picture = Pillow.fromarray(array).convert(mode)
    image = as_image(picture)
    assert (image.alpha is not None) == (mode in ("LA", "RGBA"))
    assert image.channels == {"RGB": 3, "RGBA": 3, "P": 3, "CMYK": 4}.get(mode, 1)
    light = np.asarray(picture.convert("L" if mode != "F" and mode != "I;16" else mode), float)
    assert abs(image.pixels()[:3].mean() - light.mean() / {"F": 1, "I;16": 65535}.get(mode, 255)) < 0.1
    assert like(picture, image) is image
