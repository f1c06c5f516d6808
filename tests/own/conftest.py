"""Where the models of these tests stand; searches run in this process, since starting others takes seconds."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))


@pytest.fixture(autouse=True, scope="session")
def one_processor():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wellfit.own.workers._processors", lambda: 1)
        yield
