"""The support vector machine that the trainer finds is the one that scikit-learn finds."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")

from sklearn.svm import LinearSVC  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from models.training import losses  # noqa: E402
from models.zoo.landmark_svm import DISTANCES, LandmarkSVM  # noqa: E402

NUMBER, CLASSES, DECAY = 120, 3, 0.01


def objective(weight: torch.Tensor, bias: torch.Tensor, x: torch.Tensor, targets: torch.Tensor) -> float:
    return float(DECAY / 2 * weight.square().sum() + losses.hinge(x @ weight.t() + bias, targets))


def test_the_hinge_loss_with_weight_decay_is_a_support_vector_machine() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(NUMBER) % CLASSES
    features = rng.normal(size=(NUMBER, DISTANCES))
    features[np.arange(NUMBER), labels] += 1.5
    torch.manual_seed(0)
    net = LandmarkSVM(CLASSES)
    x, targets = torch.tensor(features, dtype=torch.float32), F.one_hot(torch.from_numpy(labels), CLASSES).float()
    steps = 800
    optimizer = torch.optim.SGD(
        [{"params": [net.fc.weight], "weight_decay": DECAY}, {"params": [net.fc.bias], "weight_decay": 0.0}], lr=0.5
    )
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        losses.hinge(net(x), targets).backward()
        optimizer.step()
        rate.step()
    with torch.no_grad():
        seen = F.batch_norm(x, None, None, training=True)
    known = LinearSVC(C=1 / (DECAY * NUMBER), multi_class="crammer_singer", max_iter=100_000, random_state=0)
    known.fit(seen.numpy(), labels)
    best = objective(torch.tensor(known.coef_).float(), torch.tensor(known.intercept_).float(), seen, targets)
    found = objective(net.fc.weight.detach(), net.fc.bias.detach(), seen, targets)
    assert found == pytest.approx(best, rel=0.03)
    agreed = net(x).argmax(1).numpy() == known.predict(seen.numpy())
    assert agreed.mean() > 0.97


def test_distances_are_standardised_by_what_was_learned_from() -> None:
    net = LandmarkSVM(CLASSES)
    x = torch.rand(500, DISTANCES) * 0.01 + 3
    for _ in range(3):
        net(x)
    spread = net.eval().standardise(x).std(0)
    torch.testing.assert_close(spread, torch.ones(DISTANCES), atol=0.05, rtol=0)
