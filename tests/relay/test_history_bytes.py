"""What clients get of a stored session, to the byte: programs of others read it."""

from pathlib import Path

import aiohttp

from relay import app
from relay.config import RelaySettings
from relay.store import database
from relay.store.channels import Channels

ROWS = (
    "INSERT INTO sessions VALUES ('demo', 1, 1000.5, 1003.25, 250, 5, 'Début')",
    "INSERT INTO moments VALUES ('demo', 1, 1001, 9, 8, 1, 0, 0, 6, 0, 0, 1, 0.5, 0.25)",
    "INSERT INTO moments VALUES ('demo', 1, 1002, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
    "INSERT INTO reactions VALUES ('demo', 1, 1001.75, 'tap', 'heart', 0.5, 4)",
    "INSERT INTO markers VALUES ('demo', 1, 1002.125, 'the \"dog\", =again')",
)
SESSION = (
    '"session":{"number":1,"channel":"demo","started":1000.5,"ended":1003.25,"tick_ms":250,"min_viewers":5,'
    '"name":"Début"}'
)
JSON = (
    "{" + SESSION + ',"moments":['
    '{"time":1001,"viewers":9,"sharing":8,"counts":[1,0,0,6,0,0,1],"valence":0.5,"resonance":0.25},'
    '{"time":1002,"viewers":9,"sharing":0,"counts":[0,0,0,0,0,0,0],"valence":0.0,"resonance":0.0}],'
    '"reactions":[{"type":"reaction","time":1001.75,"kind":"tap","name":"heart","strength":0.5,"count":4}],'
    '"markers":[{"type":"marker","time":1002.125,"text":"the \\"dog\\", =again"}]}'
)
CSV = (
    "time,utc,second,viewers,sharing,angry,disgust,fear,happy,sad,surprise,neutral,valence,resonance,burst_angry,"
    "burst_disgust,burst_fear,burst_happy,burst_sad,burst_surprise,tap_heart,tap_laugh,tap_clap,tap_wow,tap_cry,markers"
    "\r\n1001,1970-01-01T00:16:41Z,1,9,8,1,0,0,6,0,0,1,0.5,0.25,0,0,0,0,0,0,4,0,0,0,0,\r\n"
    '1002,1970-01-01T00:16:42Z,2,9,0,0,0,0,0,0,0,0,0.0,0.0,0,0,0,0,0,0,0,0,0,0,0,"the ""dog"", \'=again"\r\n'
)


async def test_a_session_as_json_and_as_csv(tmp_path: Path) -> None:
    place = database.prepare(str(tmp_path))
    keys = Channels(place).create("demo")
    with database.opened(place) as file:
        for row in ROWS:
            file.execute(row)
    relay = await app.start(RelaySettings(port=0, data=str(tmp_path)))
    headers = {"Authorization": f"Bearer {keys.display_key}"}
    try:
        async with aiohttp.ClientSession(headers=headers) as http:
            for end, wanted in (("1", JSON), ("1.json", JSON), ("1.csv", CSV)):
                async with http.get(f"{relay.url}/v1/channels/demo/sessions/{end}") as answer:
                    assert (await answer.read()).decode() == wanted
    finally:
        await relay.stop()
