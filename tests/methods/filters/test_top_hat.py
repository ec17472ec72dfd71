import numpy as np

from nonloc.methods.registry import card, create


def stars():
    """Small disks on a ground that rises from left to right; the ground, and the picture."""
    y, x = np.mgrid[:100, :120]
    ground = (0.2 + 0.4 * x / 120).astype(np.float32)
    picture = ground.copy()
    for cy, cx in ((20, 20), (50, 70), (80, 100)):
        picture[(y - cy) ** 2 + (x - cx) ** 2 <= 9] += 0.3
    return ground, picture


def test_bright_things_stay_and_the_ground_goes():
    ground, picture = stars()
    restored = create("top-hat", channels=1, arguments={"radius": 8}).restore(picture[None, None], None)[0, 0]
    np.testing.assert_allclose(restored, picture - ground, atol=0.4 * 8 / 120 + 1e-3)
    assert restored.min() >= 0


def test_dark_things_stay_dark_on_white():
    ground, picture = stars()
    arguments = {"objects": "dark", "radius": 8}
    restored = create("top-hat", channels=1, arguments=arguments).restore(1 - picture[None, None], None)[0, 0]
    np.testing.assert_allclose(restored, 1 - (picture - ground), atol=0.4 * 8 / 120 + 1e-3)
    assert restored.max() <= 1


def test_what_is_larger_than_the_disk_goes_too():
    picture = np.zeros((1, 1, 60, 60), np.float32)
    picture[..., 20:40, 20:40] = 1
    small = create("top-hat", channels=1, arguments={"radius": 3}).restore(picture, None)
    large = create("top-hat", channels=1, arguments={"radius": 16}).restore(picture, None)
    assert small[0, 0, 30, 30] == 0
    np.testing.assert_array_equal(large, picture)


def test_it_reaches_two_radii_and_no_farther():
    halo = card("top-hat").halo_exact
    assert halo == 2 * card("top-hat").arguments["radius"].range[1]
    method = create("top-hat", channels=1, arguments={"radius": halo // 2})
    row = np.zeros((1, 1, 1, halo + 11), np.float32)
    row[..., 1 : halo + 2] = 1  # just wide enough for the disk
    assert method.restore(row, None)[..., 1] == 0
    for place, top in ((halo + 1, 1), (halo + 2, 0)):
        changed = row.copy()
        changed[..., place] = 1 - changed[..., place]
        assert method.restore(changed, None)[..., 1] == top
