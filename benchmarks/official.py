"""Golden vectors from the authors' own builds: ``python benchmarks/official.py NAME CHECKOUT > FILE.json``.

``CHECKOUT`` is a copy of the official repository, which is no part of Moodcast; what it needs beside torch (einops,
timm) has to be installed. The build gets the weights and the input of ``tests/seeded.py``; the file keeps the names and
shapes of its state dict and what it answers, to six digits. ``tests/models/test_convert.py`` then asks the same of our
network, through the converter: agreement within 1e-4.

Run it as a file, not with ``-m``: official repositories have a package ``models`` of their own.
"""

import contextlib
import importlib
import importlib.util
import json
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import torch
from torch import nn

TESTS = Path(__file__).parents[1] / "tests"
spec = importlib.util.spec_from_file_location("seeded", TESTS / "seeded.py")
assert spec is not None
assert spec.loader is not None
seeded: Any = importlib.util.module_from_spec(spec)
spec.loader.exec_module(seeded)

Answers = dict[str, torch.Tensor]

DEPTH = 2
"""Blocks of the large transformers, else of 12 or 16: a test has to be quick."""
NORM = partial(nn.LayerNorm, eps=1e-6)
REGIONS = {"attn_type": "local_global", "lg_region_size": (2, 5, 10)}


def former_dfer() -> tuple[Any, Callable[[Any], Answers]]:
    """zengqunzhao/Former-DFER; frames come before channels there."""
    network = importlib.import_module("models.ST_Former").GenerateModel()
    return network, lambda network: {"logits": network(seeded.clip(16, 112, 2).transpose(1, 2))}


def ial() -> tuple[Any, Callable[[Any], Answers]]:
    """muse1998/IAL-for-Facial-Expression-Recognition, which asks for CUDA to keep a map that nothing reads."""
    torch.Tensor.cuda = lambda tensor: tensor  # type: ignore[method-assign,assignment]
    network = importlib.import_module("final_model").GenerateModel()

    def answers(network: Any) -> Answers:
        logits, _, _, first, second = network(seeded.clip(16, 112, 2).transpose(1, 2))
        return {"logits": logits, "auxiliary1": first, "auxiliary2": second}

    return network, answers


def videomae() -> tuple[Any, Callable[[Any], Answers]]:
    """MCG-NJU/VideoMAE, of 160 px as MAE-DFER builds it."""
    module = importlib.import_module("modeling_finetune")
    network = module.VisionTransformer(img_size=160, depth=DEPTH, qkv_bias=True, norm_layer=NORM, num_classes=7)
    return network, lambda network: {"logits": network(seeded.clip(16, 160, 2))}


def videomae_pretraining() -> tuple[Any, Callable[[Any], Answers]]:
    """MCG-NJU/VideoMAE."""
    module = importlib.import_module("modeling_pretrain")
    masks = importlib.import_module("masking_generator").TubeMaskingGenerator((8, 10, 10), 0.9)
    decoder = {"decoder_embed_dim": 384, "decoder_depth": DEPTH, "decoder_num_heads": 6}
    network = module.PretrainVisionTransformer(
        img_size=160, encoder_depth=DEPTH, qkv_bias=True, norm_layer=NORM, **decoder
    )
    return network, lambda network: pretraining(network, masks)


def mae_dfer() -> tuple[Any, Callable[[Any], Answers]]:
    """sunlicai/MAE-DFER."""
    module = importlib.import_module("modeling_finetune")
    network = module.vit_base_dim512_no_depth_patch16_160(
        depth=DEPTH, num_classes=7, lg_classify_token_type="region", **REGIONS
    )
    return network, lambda network: {"logits": network(seeded.clip(16, 160, 2))}


def mae_dfer_pretraining() -> tuple[Any, Callable[[Any], Answers]]:
    """sunlicai/MAE-DFER."""
    module = importlib.import_module("modeling_pretrain")
    masks = importlib.import_module("masking_generator").TubeWindowMaskingGenerator((8, 10, 10), 0.9, (5, 10))
    network = module.pretrain_videomae_base_dim512_no_depth_patch16_160(
        encoder_depth=DEPTH, decoder_depth=DEPTH, **REGIONS
    )
    return network, lambda network: pretraining(network, masks, use_frame_diff_as_target=True)


def pretraining(network: Any, masks: Callable[[], Any], **options: Any) -> Answers:
    """What the official pre-training step draws and wants to be drawn, thinned out, and its loss.

    ``shown`` are the numbers of the visible tokens of the first slot.
    """
    utils = sys.modules["utils"] = MagicMock()  # its meters need more packages, and measure nothing here
    utils.MetricLogger().log_every = lambda batches, *_: batches
    torch.cuda.synchronize = lambda device=None: None
    engine = importlib.import_module("engine_for_pretraining")
    seen: Answers = {}

    def loss(**pair: torch.Tensor) -> torch.Tensor:
        seen.update(pair, loss=nn.MSELoss()(**pair))
        return seen["loss"]

    engine.nn = SimpleNamespace(MSELoss=lambda: loss)
    np.random.seed(0)
    hidden = torch.from_numpy(np.stack([masks(), masks()])).bool()
    rgb = seeded.clip(16, 160, 2)
    mean, std = (torch.tensor(each).view(3, 1, 1, 1) for each in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        engine.train_one_epoch(
            network,
            [((rgb - mean) / std, hidden)],
            MagicMock(param_groups=[]),
            torch.device("cpu"),
            0,
            MagicMock(),
            start_steps=0,
            **options,
        )
    shown = torch.stack([(~each[:100]).nonzero()[:, 0] for each in hidden])
    thin = {name: seen[given][:, ::80, ::96].flatten(1) for name, given in (("drawn", "input"), ("wanted", "target"))}
    return {**thin, "loss": seen["loss"].view(1, 1), "shown": shown}


def fused(concat: bool = False, calibrated: bool = False) -> tuple[Any, Callable[[Any], Answers]]:
    """drink36/MAE-DFER-CA. Concatenation and the PC module are comments there, and are put in here."""
    torch.Tensor.cuda = lambda tensor: tensor  # type: ignore[method-assign,assignment]
    module = importlib.import_module("modeling_finetune")
    network = module.vit_base_dim512_no_depth_patch16_160(
        depth=DEPTH, num_classes=7, lg_classify_token_type="region", **REGIONS
    )
    clips, features = seeded.clip(16, 160, 2), {}
    if calibrated:
        transformer = importlib.import_module("PC_module").VisionTransformer_POS
        network.vit_pos = transformer(img_size=10, patch_size=1, embed_dim=512, depth=2, num_heads=4, mlp_ratio=2)

        def calibrate(_: Any, inputs: Any) -> Any:
            position = network.vit_pos(Resize([10, 10])(clips[:, :, 0]))
            return (*inputs, position.transpose(1, 2).view(2, 512, 10, 10))

        network.cablock.register_forward_pre_hook(calibrate)
    if concat:
        network.head = nn.Linear(1024, 7)
        network.fc_norm.register_forward_hook(lambda _, __, output: features.update(clip=output))
        network.fc1.register_forward_hook(lambda _, __, output: features.update(motion=output.relu()))
        network.head.register_forward_pre_hook(lambda *_: torch.cat([features["clip"], features["motion"]], 1))
    return network, lambda network: {"logits": network(clips)}


def mmnet(classes: int) -> tuple[Any, Callable[[Any], Answers]]:
    """muse1998/MMNet, five classes. That of three asks for a first layer of 2 groups of 3 channels: here 1."""
    mock("cv2", "pandas", "opencv_flow", "resmodel", "gradcam", "confusion_matrix", "torchvision.models")
    importlib.import_module("CA_block").resnet50 = None
    module = importlib.import_module("CASME2_5")
    module.Resize = Resize
    network = module.MMNet()
    if classes == 3:
        network.vit_pos = module.VisionTransformer_POS(
            img_size=14, patch_size=1, embed_dim=512, depth=3, num_heads=4, mlp_ratio=2
        )
        network.main_branch.fc = nn.Linear(512 * 196, 3)
    onset, apex = seeded.clip(2, 224, 2).unbind(2)
    unused = [None] * 3
    return network, lambda network: {"logits": network(onset, *unused, apex, *unused, None, False)}


def mock(*names: str) -> None:
    """Packages that the authors' programs import and the network has no use for."""
    sys.modules.update({name: MagicMock() for name in names})


class Resize:
    """torchvision's of the authors' time, which does not smooth tensors first."""

    def __init__(self, size: Sequence[int]) -> None:
        self.size = tuple(size)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.interpolate(x, size=self.size, mode="bilinear", align_corners=False)


def poster_v2() -> tuple[Any, Callable[[Any], Answers]]:
    """Talented-Q/POSTER_V2, which reads the weights of its parts from the authors' disk."""
    mock("thop")
    landmarks, image = importlib.import_module("models.mobilefacenet"), importlib.import_module("models.ir50")
    parts = [{"state_dict": landmarks.MobileFaceNet([112, 112], 136).state_dict()}]
    parts += [image.Backbone(50, 0.0, "ir").state_dict()]
    torch.load = lambda *_, **__: parts.pop(0)
    network = importlib.import_module("models.PosterV2_7cls").pyramid_trans_expr2()
    return network, lambda network: {"logits": network(seeded.clip(1, 224, 2)[:, :, 0])}


def inception_v3() -> tuple[Any, Callable[[Any], Answers]]:
    """huggingface/pytorch-image-models; CHECKOUT may be the folder where pip has put timm. It needs no torchvision."""
    parts = ("datasets", "datasets.folder", "models", "ops", "ops.misc", "transforms", "transforms.functional", "utils")
    mock("torchvision", *(f"torchvision.{part}" for part in parts))
    sys.modules["torchvision.ops.misc"].FrozenBatchNorm2d = nn.BatchNorm2d  # type: ignore[attr-defined]
    network = importlib.import_module("timm.models.inception_v3").InceptionV3(num_classes=7, aux_logits=True)
    return network, lambda network: {"logits": network(seeded.clip(1, 299, 2)[:, :, 0])[0]}


def xlsr_53() -> tuple[Any, Callable[[Any], Answers]]:
    """huggingface/transformers; CHECKOUT may be the folder where pip has put it. The head is MMEmotionRecognition's."""
    transformers = importlib.import_module("transformers")
    config = transformers.Wav2Vec2Config(
        hidden_size=1024,
        num_hidden_layers=DEPTH,
        num_attention_heads=16,
        intermediate_size=4096,
        feat_extract_norm="layer",
        conv_bias=True,
        do_stable_layer_norm=True,
    )
    network = nn.Module()
    network.wav2vec2 = transformers.Wav2Vec2Model(config)
    network.classifier = nn.ModuleDict({"dense": nn.Linear(1024, 1024), "out_proj": nn.Linear(1024, 8)})

    def answers(network: Any) -> Answers:
        read = transformers.Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=False)
        sound = [row.numpy() for row in seeded.uniform("sound", (2, 16_000))]
        values = read(sound, sampling_rate=16_000, return_tensors="pt").input_values
        mean = network.wav2vec2(values).last_hidden_state.mean(1)
        return {"logits": network.classifier["out_proj"](network.classifier["dense"](mean).tanh())}

    return network, answers


def mobilefacenet() -> tuple[Any, Callable[[Any], Answers]]:
    """Talented-Q/POSTER_V2, whose landmark network stops at its maps."""
    network = importlib.import_module("models.mobilefacenet").MobileFaceNet([112, 112], 136)

    def answers(network: Any) -> Answers:
        fine, middle, coarse = network(seeded.clip(1, 112, 2)[:, :, 0])
        maps = {"fine": fine, "middle": middle, "coarse": coarse}
        thin = {name: x.flatten(1)[:, :: x[0].numel() // 64] for name, x in maps.items()}
        return {**thin, "landmarks": network.output_layer(coarse)}

    return network, answers


BUILDS = {
    "former-dfer": former_dfer,
    "ial": ial,
    "videomae": videomae,
    "videomae-pretraining": videomae_pretraining,
    "mae-dfer": mae_dfer,
    "mae-dfer-pretraining": mae_dfer_pretraining,
    "mae-dfer-ca": fused,
    "mae-dfer-ca-pc": partial(fused, calibrated=True),
    "mae-dfer-ca-concat": partial(fused, concat=True),
    "mae-dfer-ca-pc-concat": partial(fused, concat=True, calibrated=True),
    "mmnet": partial(mmnet, 5),
    "mmnet-3": partial(mmnet, 3),
    "inception-v3": inception_v3,
    "poster-v2": poster_v2,
    "xlsr-53": xlsr_53,
    "mobilefacenet-landmarks": mobilefacenet,
}
GAINS = {"poster-v2": 0.7, "mobilefacenet-landmarks": 0.7}
"""Of the weights, where it is not that of ``tests/seeded.py``: signals would grow too large in these."""


def main() -> None:
    if len(sys.argv) != 3 or sys.argv[1] not in BUILDS:
        sys.exit(f"usage: python benchmarks/official.py {{{','.join(BUILDS)}}} CHECKOUT")
    # Their packages have the names of ours, which must not be found first.
    others = [path for path in sys.path if not (Path(path) / "moodcast.py").is_file()]
    sys.path[:] = [str(Path(sys.argv[2]).resolve()), *others]
    with contextlib.redirect_stdout(sys.stderr):  # they print
        network, answers = BUILDS[sys.argv[1]]()
    shapes = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    gain = {"gain": GAINS[sys.argv[1]]} if sys.argv[1] in GAINS else {}
    tables = {name: tensor for name, tensor in network.state_dict().items() if not tensor.is_floating_point()}
    network.load_state_dict(seeded.weights(shapes, **gain) | tables)
    with torch.no_grad(), contextlib.redirect_stdout(sys.stderr):
        found = answers(network.eval())
    rounded = {name: [[float(f"{x:.6g}") for x in row] for row in rows.tolist()] for name, rows in found.items()}
    print(json.dumps({"answers": rounded, **gain, "shapes": shapes}).replace('], "', '],\n"'))


if __name__ == "__main__":
    main()
