"""The scripted show that simulated viewers follow, and how one of them reacts to it. Pure: time and chance come in."""

import random
from dataclasses import dataclass, field

from relay.protocol import EXPRESSIONS, Expression, Tap


@dataclass(frozen=True)
class Scene:
    """A part of the show. ``weights`` follow the contract order; ``tap`` is what it invites."""

    name: str
    seconds: float
    weights: tuple[float, float, float, float, float, float, float]
    tap: Tap | None = None


#                                 angry disgust fear happy  sad surprise neutral
SHOW = (
    Scene("calm", 6.0, (0.01, 0.01, 0.01, 0.12, 0.02, 0.03, 0.80)),
    Scene("a joke", 5.0, (0.01, 0.02, 0.00, 0.74, 0.00, 0.07, 0.16), "laugh"),
    Scene("calm", 4.0, (0.01, 0.01, 0.01, 0.24, 0.02, 0.03, 0.68)),
    Scene("a shock", 5.0, (0.03, 0.05, 0.26, 0.02, 0.02, 0.50, 0.12), "wow"),
    Scene("a sad scene", 7.0, (0.05, 0.02, 0.04, 0.02, 0.58, 0.03, 0.26), "cry"),
    Scene("a win", 6.0, (0.01, 0.00, 0.01, 0.72, 0.01, 0.17, 0.08), "clap"),
)
LENGTH = sum(scene.seconds for scene in SHOW)


def scene_at(seconds: float) -> Scene:
    """The scene at this time of the show, which repeats for ever. Before the start there is calm."""
    rest = max(0.0, seconds) % LENGTH
    for scene in SHOW:
        if rest < scene.seconds:
            return scene
        rest -= scene.seconds
    return SHOW[0]


@dataclass
class SimulatedViewer:
    """One viewer: notices scenes ``lag`` seconds late, looks away now and then, sometimes leaves.

    ``step`` is called about once in ``PERIOD`` seconds and says what the viewer's agent would send.
    """

    chance: random.Random
    lag: float = field(init=False)
    _scene: Scene | None = field(init=False, default=None)

    PERIOD = 0.5
    HEARTBEAT = 4.0

    def __post_init__(self) -> None:
        self.lag = 0.2 + self.chance.gammavariate(2.0, 0.4)
        self._sent_at = -self.HEARTBEAT
        self._label: Expression = "neutral"

    def step(self, now: float) -> tuple[Expression | None, Tap | None]:
        """The label to send at ``now`` seconds of the show (None: nothing new) and a tap, if any."""
        scene = scene_at(now - self.lag)
        label, tap = self._label, None
        if scene is not self._scene or self.chance.random() < 0.06:
            if scene is not self._scene and scene.tap and self.chance.random() < 0.08:
                tap = scene.tap
            label = self.chance.choices(EXPRESSIONS, scene.weights)[0]
        self._scene = scene
        if label == self._label and now - self._sent_at < self.HEARTBEAT:
            return None, tap
        self._label, self._sent_at = label, now
        return label, tap

    def leaves(self) -> bool:
        """Whether the viewer drops out now; about once in two minutes."""
        return self.chance.random() < self.PERIOD / 120
