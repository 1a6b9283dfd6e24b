"""How many broken frames a parser is given: some at each run, all that were asked for with `make test-all`."""

import pytest

MANY = 200_000
broken_frames = pytest.mark.parametrize("frames", [MANY // 10, pytest.param(MANY, marks=pytest.mark.long)])
