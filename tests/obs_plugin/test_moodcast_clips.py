"""Highlights in the OBS script: its plain functions."""

import csv
import io
import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obs_plugin import moodcast_clips as clips
from tests.contract import CONTRACT, Asked, fields_of

HAPPY: dict[str, Any] = {"type": "moment", "kind": "expression", "name": "happy", "share": 0.5, "rise": 0.4, "ago": 6.0}
LAUGHTER = clips.Moment("expression", "happy", 0.5, 0.4, 6.0)
EVERY = clips.Choice(frozenset(clips.LABELS), 0.0, 30.0)
SECONDS = st.floats(0, 10_000)


# --- what the relay tells --------------------------------------------------------------------------------------------


def test_it_knows_each_expression_and_tap_and_reads_fields_that_there_are() -> None:
    known = {("expression", name) for name in CONTRACT["expressions"] if name != "neutral"}
    assert set(clips.LABELS) == known | {("tap", name) for name in CONTRACT["taps"]}
    asked = Asked(HAPPY)
    assert clips.moment_of(asked) == LAUGHTER
    assert asked.names <= fields_of("moment")
    assert fields_of("moment") - asked.names == {"type", "time", "score"}, "its clock is another, and so is its rank"
    assert CONTRACT["limits"]["max_delay_s"] < clips.LONGEST_AGO_S


@pytest.mark.parametrize(
    "change",
    [
        {"name": '=HYPERLINK("http://evil")'},
        {"name": "heart"},
        {"name": ["happy"]},
        {"kind": "mark", "name": "saved"},
        {"ago": -1},
        {"ago": float("inf")},
        {"ago": float("nan")},
        {"ago": 10**400},
        {"ago": True},
        {"share": "1"},
        {"rise": 1.5},
        {"rise": None},
    ],
    ids=str,
)
def test_what_is_no_moment_is_left_out(change: dict[str, Any]) -> None:
    assert clips.moment_of({**HAPPY, **change}) is None


@given(st.dictionaries(st.sampled_from(sorted(HAPPY)), st.none() | st.text() | st.integers() | st.floats()))
def test_no_message_raises(fields: dict[str, Any]) -> None:
    clips.moment_of(fields)
    clips.moment_of({**HAPPY, **fields})


def test_the_streamer_chooses_which_and_how_strong_and_how_often() -> None:
    assert EVERY.takes(LAUGHTER, 30)
    assert not EVERY.takes(LAUGHTER, 29.9)
    assert EVERY._replace(least=0.4).takes(LAUGHTER, 30)
    assert not EVERY._replace(least=0.41).takes(LAUGHTER, 30)
    assert not EVERY._replace(wanted=EVERY.wanted - {("expression", "happy")}).takes(LAUGHTER, 30)
    assert EVERY._replace(cooldown=0).takes(LAUGHTER, clips.LEAST_COOLDOWN_S)


def test_a_relay_that_tells_a_thousand_a_second_fills_no_disk() -> None:
    last, taken = -math.inf, 0
    for now in range(60_000):
        if EVERY._replace(cooldown=0).takes(LAUGHTER, (now - last) / 1000):
            last, taken = now, taken + 1
    assert taken == 60


# --- where in the recording ------------------------------------------------------------------------------------------


def test_a_moment_lies_where_the_streamer_was_then() -> None:
    recording = clips.Recording("/v/a.mkv", 100.0, clips.Encoder(100.0), fresh=True)
    assert recording.place(99.0) is None
    assert recording.place(107.5) == clips.Place("/v/a.mkv", 7.5, False)
    recording.end(110.0)
    assert recording.place(109.0) == clips.Place("/v/a.mkv", 9.0, False), "viewers of a delayed stream laugh later"
    assert recording.place(111.0) is None


def test_a_pause_does_not_advance_the_time_code() -> None:
    recording = clips.Recording("/v/a.mkv", 100.0, clips.Encoder(100.0), fresh=True)
    recording.pause(110.0)
    recording.pause(111.0)
    assert recording.place(105.0) == clips.Place("/v/a.mkv", 5.0, False)
    assert recording.place(115.0) is None, "no file has it"
    recording.unpause(130.0)
    recording.unpause(131.0)
    assert recording.place(132.0) == clips.Place("/v/a.mkv", 12.0, False)
    assert recording.place(115.0) is None
    assert recording.place(109.0) == clips.Place("/v/a.mkv", 9.0, False)


def test_each_file_of_a_split_recording_has_time_codes_of_its_own() -> None:
    recording = clips.Recording("/v/a.mkv", 100.0, clips.Encoder(100.0), fresh=True)
    recording.frames(101.5, 1.0)
    recording.split("/v/b.mkv", 110.5)
    recording.split("/v/b.mkv", 111.0)
    assert recording.place(109.0) == clips.Place("/v/a.mkv", 9.0, False), "seen after the split, but of before"
    assert recording.place(112.0) == clips.Place("/v/b.mkv", 2.0, True)
    recording.pause(115.0)
    recording.unpause(125.0)
    assert recording.place(126.0) == clips.Place("/v/b.mkv", 6.0, True)
    assert recording.path == "/v/b.mkv"


def test_where_the_encoder_ran_before_the_frames_tell_when_the_file_began() -> None:
    encoder = clips.Encoder(50.0)
    recording = clips.Recording("/v/a.mkv", 100.0, encoder, fresh=False)
    for now, seconds in [(101.0, 0.0), (104.0, 0.5), (105.0, 1.7), (106.0, 2.2)]:
        recording.frames(now, seconds)
    place = recording.place(110.0)
    assert place is not None
    assert place.seconds == pytest.approx(110.0 - 103.3 + encoder.lag)


def test_an_encoder_holds_back_what_its_first_output_lacks() -> None:
    encoder = clips.Encoder(50.0)
    unknown = encoder.lag
    for now, seconds in [(51.0, 0.0), (52.0, 0.2), (53.0, 1.5), (54.0, 2.2)]:  # the third came when all was out
        encoder.frames(now, seconds)
    assert encoder.lag == 1.5
    for broken in (clips.Encoder(50.0), clips.Encoder()):
        broken.frames(1050.0, 0.1)
        assert broken.lag in (5.0, unknown), "never more than an encoder can hold back"


@given(
    st.lists(st.tuples(st.sampled_from(["pause", "unpause", "split", "frames"]), st.floats(0.01, 50)), max_size=20),
    st.lists(SECONDS, max_size=10),
    st.booleans(),
)
def test_time_codes_never_go_back_within_a_file_nor_are_below_zero(
    steps: list[tuple[str, float]], asked: list[float], fresh: bool
) -> None:
    now = 0.0
    recording = clips.Recording("0", now, clips.Encoder(now), fresh)
    for number, (step, seconds) in enumerate(steps, 1):
        now += seconds
        if step == "split":
            recording.split(str(number), now)
        elif step == "frames":
            recording.frames(now, now / 2)
        else:
            getattr(recording, step)(now)
    places = [place for place in map(recording.place, sorted(asked)) if place is not None]
    assert all(place.seconds >= 0 for place in places)
    for before, after in itertools.pairwise(places):
        assert (int(before.path), before.seconds) <= (int(after.path), after.seconds + 1e-6)


# --- what is written -------------------------------------------------------------------------------------------------


def test_time_codes() -> None:
    assert clips.time_code(0) == "00:00:00.000"
    assert clips.time_code(754.9996) == "00:12:35.000"
    assert clips.time_code(36_000 * 11 + 0.25) == "110:00:00.250"


@given(SECONDS)
def test_a_time_code_tells_the_seconds(seconds: float) -> None:
    hours, minutes, rest = clips.time_code(seconds).split(":")
    assert int(minutes) < 60
    assert float(rest) < 60
    assert int(hours) * 3600 + int(minutes) * 60 + float(rest) == pytest.approx(seconds, abs=0.000501)


def test_lines_of_the_lists() -> None:
    rows = list(csv.DictReader(io.StringIO(clips.HEADER + clips.csv_line(LAUGHTER, 754.5, 1795766400.25))))
    assert rows == [
        {"time": "00:12:34.500", "kind": "expression", "name": "happy", "share": "0.500", "rise": "0.400"}
        | {"utc": "2026-11-27T08:00:00.250Z"}
    ]
    assert clips.chapter_line(LAUGHTER, 754.9) == "00:12:34 Laughter\n"
    own = clips.Moment(*clips.SAVED, 0.0, 0.0, 0.0)
    assert clips.csv_line(own, 1, 0) == "00:00:01.000,mark,saved,,,1970-01-01T00:00:00.000Z\r\n"
    assert clips.chapter_line(own, 1) == "00:00:01 Saved by the streamer\n"
    assert clips.chapter_due(10, 0)
    assert not clips.chapter_due(9.9, 0)
    assert clips.chapter_name(LAUGHTER, 6.2) == "Laughter (6 s before)"
    assert clips.chapter_name(LAUGHTER, 0.4) == "Laughter"


def test_the_lists_are_named_as_the_recording() -> None:
    assert clips.list_stem("/my.videos/2026-11-27 12-00.mkv") == "/my.videos/2026-11-27 12-00"
    assert clips.list_stem("C:\\my.videos\\show") == "C:\\my.videos\\show"
    assert clips.list_stem("/v/.hidden") == "/v/.hidden"


# --- the replay ------------------------------------------------------------------------------------------------------


def test_a_replay_is_saved_when_what_followed_is_in_it() -> None:
    assert clips.save_at(100.0, 1.0) == 104.0
    assert clips.save_at(100.0, 12.0) == 100.0


def test_a_replay_that_does_not_reach_back_is_told_with_what_to_set() -> None:
    assert clips.short_replay(20, 10) == ""
    assert "keeps 15 s" in clips.short_replay(15, 5.5)
    assert "set at least 16 s" in clips.short_replay(15, 5.5)
    assert clips.short_replay(0, 100) == "", "not known"
    assert "started after the moment" in clips.young_replay(3, 4)
    assert clips.young_replay(4, 4) == ""
