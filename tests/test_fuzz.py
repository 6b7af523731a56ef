"""The first cases of the random driver, the same in every run; `python tests/fuzz.py` goes on from there."""

import pytest

import fuzz


@pytest.mark.parametrize("kind", fuzz.KINDS)
def test_random_cases(kind):
    if kind == "ndimage":
        pytest.importorskip("scipy", "1.17", reason="its bits are those of SciPy 1.17")
    for number in range(20):
        fuzz.run(kind, number)


def test_a_case_is_made_of_its_number_alone():
    for kind in fuzz.KINDS:
        if kind != "ndimage":
            assert fuzz.described(fuzz.run(kind, 3)) == fuzz.described(fuzz.run(kind, 3))


def test_a_failure_says_how_to_run_it_again(monkeypatch):
    def wrong(results):
        raise AssertionError("not equal")

    monkeypatch.setitem(fuzz.KINDS, "layer", lambda rng: fuzz.layer(rng)._replace(judge=wrong))
    with pytest.raises(AssertionError) as caught:
        fuzz.run("layer", 5)
    described, line = caught.value.__notes__
    assert described.startswith("cconv.")
    assert "python tests/fuzz.py --case layer:5" in line
