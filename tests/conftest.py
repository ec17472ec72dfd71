"""What all tests share: one hypothesis profile, one way to the data."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("nonloc", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("nonloc")

# what someone imported on this machine is no part of what is tested
os.environ["NONLOC_WEIGHTS"] = str(Path(__file__).parent / "no imported weights")


def pytest_addoption(parser):
    parser.addoption("--whole-sets", action="store_true", help="also run the tests that measure whole sets of pictures")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--whole-sets"):
        for item in items:
            if item.get_closest_marker("whole_sets"):
                item.add_marker(pytest.mark.skip(reason="measures a whole set: run with --whole-sets"))


@pytest.fixture(autouse=True)
def few_threads():
    """Give back the threads that a test took: two of them in two workers wait for one another on two cores."""
    yield
    torch, threads = sys.modules.get("torch"), int(os.environ.get("OMP_NUM_THREADS") or 1)
    if torch is not None and torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of test and training pictures, or a skip that says how to have it."""
    root = os.environ.get("NONLOC_DATA")
    if not root or not (Path(root) / "test").is_dir():
        pytest.skip("needs the pictures: set NONLOC_DATA to their folder")
    return Path(root)
