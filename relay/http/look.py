"""How the overlay looks, in numbers: the picture's copy of what the page has in overlay/*.css and *.js.

``tests/relay/test_look.py`` compares the two. Lengths are in em, of the size that ``em`` gives, unless said otherwise;
colours are red, green, blue and, where they let something through, alpha, 0 to 255.
"""

WORDS = {
    "angry": "angry", "disgust": "disgusted", "fear": "afraid", "happy": "happy", "sad": "sad",
    "surprise": "surprised", "neutral": "neutral",
}  # fmt: skip
"""How a person says it: "62 % afraid"."""
IN_TUNE, SHARING, SHOWN_ONCE, PAUSED = "In tune", "sharing", "Shown once", "Paused by the streamer"

PANEL = (16, 18, 24, 184)
TEXT = (255, 255, 255)
MUTED = (211, 217, 226)
RIM = (255, 255, 255, 26)
SHADOW, SHADOW_DOWN, SHADOW_BLUR = 71, 0.25, 1.2
"""Alpha of the black, how far below the panel it lies, and the length over which it fades."""
MARGIN, PADDING_X, PADDING_TOP, PADDING_BOTTOM, RADIUS = 1.1, 0.95, 0.7, 0.95, 1.1
ROW, ROW_BELOW, ROW_GAP = 2.5, 0.5, 1.2
"""Height of the row over the bar, the room below it, and between what stands in it."""
BAR = 1.75
PANEL_HEIGHT = PADDING_TOP + ROW + ROW_BELOW + BAR + PADDING_BOTTOM

LEADER, LEADER_GAP, LEADER_TEXT, WAITING_TEXT = 2.3, 0.55, 1.3, 1.1
"""Side of the picture, the room to its words, and their size, where a mood is shown and where it is waited for."""
FIGURES_GAP, TUNE_GAP, TUNE_VALUE = 1.4, 0.55, 3.1
METER_WIDTH, METER_HEIGHT = 5.0, 0.5
METER, METER_TRACK = ((79, 209, 197), (167, 243, 208)), (255, 255, 255, 51)
"""From left to right."""

TRACK = (255, 255, 255, 31)
LIGHT, LIGHT_UNTIL, SHADE = 0.22, 0.45, 0.1
"""Over the bar: white at its top, which is gone from this share of its height on; black at its bottom."""
SEGMENT_GAP = 2
"""Pixels between two segments."""
FACE, FACE_RING, FACE_GROUND = 0.78, (255, 255, 255, 217), (16, 18, 24, 128)
"""Side of a segment's face, as a share of the bar's height; the line of 1 px around it, and what lies behind it."""
FACE_ROOM = 1.25
"""A segment shows its face when it is this many times wider than the bar is high."""
RESTING = 0.4
"""Opacity of the faces while no mood is shown."""

REACTION = 4.0
"""In em of its own: those of the picture times ``SMALLEST`` to ``SMALLEST + GROWTH``, by the root of its strength."""
SMALLEST, GROWTH = 0.75, 0.75
FROM_LEFT, SPREAD = 0.08, 0.84
"""Where it rises, as a share of the width: by chance from the first on."""
RISE, MORE_RISE = 0.72, 0.22
"""How far, as a share of the height, by chance."""
SWAY = 0.025
"""To both sides on its way, as a share of the width."""
FIRST_SIZE, GROWN, FADES = 0.3, 0.08, 0.75
"""It begins so small, and of its time passes this share until it has its size, and this until it fades."""
COUNT_GROUND, COUNT_LEFT, COUNT_BELOW = (16, 18, 24, 217), 0.62, 0.1
"""How many took part: from this share of the reaction's width on, and so far below it."""
COUNT_WIDER, COUNT_HEIGHT = 1.0, 1.4
"""It is so much wider than its words; of one line with a little around it."""

DIGIT_GROUND, DIGIT_RING = (16, 18, 24, 224), (255, 201, 60)
"""Of a countdown's number; the ring's is the sweep's on the page."""
ZERO_GROUND, ZERO_INK, ZERO_RING = (255, 201, 60), (26, 19, 3), (255, 255, 255)
DIGIT_SIZE, RING_WIDTH = 0.6, 0.035
"""As shares of the disc's side."""


def em(width: float, height: float) -> float:
    """Pixels: grows with the picture, and in a small one stops where the panel would no longer fit.

    The page's is larger in pictures that are narrower than 264 px: it breaks or leaves out what does not fit, where the
    picture's words would run out of the panel.
    """
    return min(max(12.0, min(0.0125 * width, 0.08 * height)), 48.0, 0.11 * height, width / 22)
