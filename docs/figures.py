"""The two figures of a model card, drawn with Pillow from the numbers of an evaluation."""

from typing import Any

from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]

INK, FAINT, PAPER = (34, 34, 34), (200, 200, 200), (255, 255, 255)
BAR, GAP = (66, 113, 174), (222, 143, 95)
CELL, MARGIN = 64, 96
PLOT = 420


def led_by(result: dict[str, Any]) -> dict[str, Any]:
    """The figures that come first: those against the FER+ majority where there are any, else those of the labels."""
    return result.get("fer_plus") or result


def confusion(result: dict[str, Any]) -> Image.Image:
    """Rows are what is true, columns the answers; each cell has the share of its row in percent."""
    names, matrix = list(result["recall"]), led_by(result)["confusion"]
    side = CELL * len(names)
    image = Image.new("RGB", (side + MARGIN + 16, side + MARGIN), PAPER)
    draw = ImageDraw.Draw(image)
    for i, row in enumerate(matrix):
        y = MARGIN // 2 + i * CELL
        _text(draw, (MARGIN - 10, y + CELL / 2), names[i], "rm")
        for j, number in enumerate(row):
            share, x = number / max(1, sum(row)), MARGIN + j * CELL
            draw.rectangle((x, y, x + CELL - 2, y + CELL - 2), _shade(share))
            _text(draw, (x + CELL / 2, y + CELL / 2), f"{share:.0%}", "mm", PAPER if share > 0.85 else INK)
    for j, name in enumerate(names):
        _text(draw, (MARGIN + j * CELL + CELL / 2, MARGIN // 2 - 12), name, "ms")
    _text(draw, (MARGIN + side / 2, MARGIN // 2 + side + 24), "answer (columns) to each expression (rows)", "mm")
    return image


def reliability(result: dict[str, Any]) -> Image.Image:
    """Accuracy against confidence: a bar a bin, the gap to the diagonal in orange, the share of answers below."""
    led = led_by(result)
    bins = led["reliability"]
    counts, confidences, accuracies = bins["counts"], bins["confidence"], bins["accuracy"]
    left, top, low = 64, 24, 70
    image = Image.new("RGB", (left + PLOT + 24, top + PLOT + low + 80), PAPER)
    draw = ImageDraw.Draw(image)
    wide = PLOT / len(counts)

    def y(value: float) -> float:
        return top + PLOT * (1 - value)

    for i, count in enumerate(counts):
        x, floor = left + i * wide, top + PLOT + 50 + low
        if count:
            between = sorted((y(accuracies[i]), y(confidences[i])))
            draw.rectangle((x + 1, y(accuracies[i]), x + wide - 2, y(0)), BAR)
            draw.rectangle((x + 1, between[0], x + wide - 2, between[1]), GAP)
            draw.rectangle((x + 1, floor - low * count / max(counts), x + wide - 2, floor), FAINT)
    draw.line((left, y(0), left + PLOT, y(1)), INK, 2)
    draw.rectangle((left, top, left + PLOT, top + PLOT), outline=INK)
    for step in range(6):
        _text(draw, (left - 8, y(step / 5)), f"{step / 5:.1f}", "rm")
        _text(draw, (left + PLOT * step / 5, y(0) + 8), f"{step / 5:.1f}", "mt")
    _text(draw, (left + 10, top + 10), f"blue: accuracy, orange: gap to the confidence. ECE {led['ece']:.3f}", "lt")
    _text(draw, (left + PLOT / 2, y(0) + 26), "confidence; below: how many answers have it", "mt")
    return image


def _shade(share: float) -> Colour:
    red, green, blue = (round(paper + (bar - paper) * share) for paper, bar in zip(PAPER, BAR, strict=True))
    return red, green, blue


def _text(draw: ImageDraw.ImageDraw, at: tuple[float, float], words: str, anchor: str, colour: Colour = INK) -> None:
    draw.text(at, words, colour, ImageFont.load_default(15), anchor=anchor)
