"""XLSR-53: what it hides of itself in training, and that loudness is nothing to it. Its answers: test_convert.py."""

import pytest

torch = pytest.importorskip("torch", reason="networks need torch: make test TRAIN=1, or pip install '.[train]'")

from models.zoo import networks, wav2vec2  # noqa: E402
from tests import seeded, sounds  # noqa: E402


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> wav2vec2.Wav2Vec2:
    for name, value in {"CHANNELS": 16, "WIDTH": 32, "HEADS": 2, "POSITION_KERNEL": 8}.items():
        monkeypatch.setattr(wav2vec2, name, value)
    torch.manual_seed(0)
    return wav2vec2.Wav2Vec2(8, 2).eval()


def test_encoder_is_as_large_as_the_official_one() -> None:
    with torch.device("meta"):
        network = networks.build("xlsr-53")
    assert sum(parameter.numel() for parameter in network.encoder.parameters()) == 315_438_720


def test_a_step_is_20_ms(small: wav2vec2.Wav2Vec2) -> None:
    with torch.no_grad():
        assert small.encoder(torch.zeros(2, 48_000)).shape == (2, 149, 32)


def test_loudness_changes_nothing_and_silence_is_answered(small: wav2vec2.Wav2Vec2) -> None:
    voice = torch.from_numpy(sounds.vowel())[None]
    with torch.no_grad():
        torch.testing.assert_close(small(0.2 * voice), small(voice), atol=1e-4, rtol=1e-4)
        assert small(torch.zeros(1, 4000)).isfinite().all()


def test_spans_are_hidden_in_training_alone(small: wav2vec2.Wav2Vec2) -> None:
    given = seeded.uniform("steps", (64, 200, 3))
    hidden = wav2vec2.spans(given)
    assert hidden.shape == (64, 200, 1)
    assert hidden.any(1).all()
    assert 0.03 < hidden.float().mean() < 0.2
    voice = torch.from_numpy(sounds.vowel())[None]
    with torch.no_grad():
        assert torch.equal(small(voice), small(voice))
        small.encoder.train()
        assert not torch.equal(small(voice), small(voice))
