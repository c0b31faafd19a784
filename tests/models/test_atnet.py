"""ATNet: its branches, its one bias a gate, and that nothing else learns."""

import pytest

torch = pytest.importorskip("torch", reason="networks need torch: make test TRAIN=1, or pip install '.[train]'")

from torch import nn  # noqa: E402

from models.zoo import networks  # noqa: E402
from models.zoo.atnet import ATNet, Branches, OneBiasLSTM  # noqa: E402


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_branches_alone_and_together_have_their_sizes() -> None:
    with torch.device("meta"):
        assert count(ATNet(3)) == 8_312_837
        trunk = count(networks.build("apex-resnet10", 5)) - (512 * 5 + 5)
        assert count(ATNet(3, "apex")) == trunk + 512 * 3 + 3
        recurrent = 4 * 512 * (128 + 512 + 1) + 4 * 512 * (512 + 512 + 1)
        assert count(ATNet(3, "sequence")) == recurrent + 512 * 3 + 3
        assert count(ATNet(3)) == trunk + recurrent + 1024 * 3 + 3


def test_the_second_bias_stays_zero_through_training_and_is_no_parameter() -> None:
    torch.manual_seed(0)
    net, motion = OneBiasLSTM(6, 4, 2), torch.randn(3, 5, 6)
    before = net(motion)[0].detach()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    net(motion)[0].square().sum().backward()
    optimizer.step()
    twin = nn.LSTM(6, 4, 2, batch_first=True)
    twin.load_state_dict(net.state_dict())
    assert [name for name, _ in net.named_parameters() if "bias" in name] == ["bias_ih_l0", "bias_ih_l1"]
    assert not net.bias_hh_l0.any()
    assert not net.bias_hh_l1.any()
    assert (net(motion)[0] - before).abs().max() > 1e-3
    torch.testing.assert_close(net(motion)[0], twin(motion)[0])


@pytest.mark.parametrize(
    ("branches", "moves"), [("apex", [True, False]), ("sequence", [False, True]), ("both", [True, True])]
)
def test_a_branch_alone_looks_at_its_own_input(branches: Branches, moves: list[bool]) -> None:
    torch.manual_seed(0)
    net = ATNet(3, branches).eval()
    faces, motion = torch.rand(2, 1, 64, 64), torch.randn(2, 64, 128)
    with torch.inference_mode():
        answer = net(faces, motion)
        others = [net(faces.flip(0), motion), net(faces, motion.flip(0))]
    assert [not torch.equal(answer, other) for other in others] == moves


def test_neither_branch_can_shout_the_other_down() -> None:
    torch.manual_seed(0)
    net = ATNet(3).eval()
    heard = []
    net.fc.register_forward_pre_hook(lambda _, given: heard.append(given[0]))
    with torch.inference_mode():
        net(255 * torch.rand(2, 1, 64, 64), 100 * torch.randn(2, 64, 128))
    torch.testing.assert_close(heard[0].split(512, 1)[0].norm(dim=1), torch.ones(2))
    torch.testing.assert_close(heard[0].split(512, 1)[1].norm(dim=1), torch.ones(2))
