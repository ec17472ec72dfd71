import numpy as np

from nonloc.methods.registry import create


def test_top_hat_takes_a_smooth_background_away_within_a_percent():
    y, x = np.mgrid[:160, :200]
    ground = 0.35 + 0.04 * np.sin(x / 60) + 0.03 * np.cos(y / 70)
    things = 0.3 * (np.hypot((y % 40) - 20, (x % 40) - 20) < 4)
    pixels = (ground + things).astype(np.float32)[None, None]
    bright = create("top-hat", channels=1).restore(pixels, None)[0, 0]
    dark = create("top-hat", channels=1, arguments={"objects": "dark"}).restore(1 - pixels, None)[0, 0]
    inner = (slice(15, -15), slice(15, -15))
    for found in (bright, 1 - dark):
        assert np.abs(found - things)[inner].mean() < 0.01
        assert np.abs(found - things)[things > 0].max() < 0.03
