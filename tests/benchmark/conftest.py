"""A small Set12 of our own, so that the whole way is tested without the real one."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def small_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:72, :80]

    def write(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        a, b, c = rng.uniform(0.02, 0.2, 3)
        waves = 127.5 + 60 * np.sin(a * x + b * y) + 50 * np.cos(c * (x - 40)) * (y > 30)
        picture = np.stack([waves, waves[::-1], waves[:, ::-1]], -1)
        return np.clip(np.rint(picture), 0, 255).astype(np.uint8)

    for i in range(1, 13):
        path = root / f"test/set12/{i:02}.png"
        Image.fromarray(write(path)[..., 0]).save(path)
    for i in range(40):
        path = root / f"test/polyu40/shot{i:02}_mean.JPG"
        clean = write(path)
        Image.fromarray(clean).save(path, quality=100, subsampling=0)
        noise = rng.normal(0, 12, clean.shape)
        noisy = np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(root / f"test/polyu40/shot{i:02}_real.JPG", quality=100, subsampling=0)
    return root
