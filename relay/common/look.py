"""How the overlay looks, in numbers: the picture's copy of what the page has in overlay/*.css and *.js.

``tests/relay/test_look.py`` compares the two. Lengths are in em, of the size that ``em`` gives, unless said otherwise;
colours are red, green, blue and, where they let something through, alpha, 0 to 255.
"""

PANEL = (16, 18, 24, 224)
TEXT = (255, 255, 255)
MUTED = (211, 217, 226)
RIM = (255, 255, 255, 26)
SHADOW, SHADOW_DOWN, SHADOW_BLUR = 71, 0.25, 1.2
"""Alpha of the black, how far below the panel it lies, and the length over which it fades."""
MARGIN, PADDING_X, PADDING_TOP, PADDING_BOTTOM, RADIUS = 1.1, 0.9, 0.55, 0.7, 1.1
WIDTH = 44.0
"""Of the panel, where the picture is not narrower."""
ROW_BELOW = 0.35
"""Between the words and the bar."""
BAR = 2.25

LEADER, LEADER_GAP, LEADER_TEXT, WAITING_TEXT = 3.6, 0.8, 1.35, 1.1
"""Side of the picture, the room beside it, the size of the words, and of those that wait for a mood."""
LEADER_RESTING = 0.6
"""Opacity of the picture while no mood is shown."""
LINE = 1.3
"""Height of a line of text, times its size."""
ROW = LEADER_TEXT * LINE
PANEL_HEIGHT = PADDING_TOP + ROW + ROW_BELOW + BAR + PADDING_BOTTOM
ROW_GAP = 0.8
"""The least room between the words and the figures."""
FIGURES_GAP, TUNE_GAP, TUNE_VALUE = 1.2, 0.5, 2.9
METER_WIDTH, METER_HEIGHT = 4.0, 0.5
METER, METER_TRACK = ((79, 209, 197), (167, 243, 208)), (255, 255, 255, 51)
"""From left to right."""

TRACK = (255, 255, 255, 31)
LIGHT, LIGHT_UNTIL, SHADE = 0.14, 0.45, 0.08
"""Over the bar: white at its top, which is gone from this share of its height on; black at its bottom."""
SEGMENT_GAP = 2
"""Pixels between two segments."""
FACE, DISC, FACE_RING = 0.86, 0.92, (255, 255, 255)
"""Side of a segment's face and of the light disc under it, as shares of the bar's height, and the disc's colour."""
FACE_ROOM, LEAST_FACE = 1.0, 0.5
"""A face has its full size where its segment is so many times wider than the bar is high, and none below this share."""
DOT, DOT_CORE = 0.34, 0.7
"""A dot's size beside a full face's; how much of its disc has the expression's colour, within its ring."""
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
    grown = min(0.0125 * max(width, height), 0.022 * width, 0.08 * height)
    return min(max(12.0, grown), 48.0, 0.11 * height, width / 22)
