"""The networks of the conditional micrographs, their losses and changes."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from poroscale.networks.acwgan.augmentation import AUGMENTATIONS, augmented
from poroscale.networks.acwgan.critic import MicrographCritic
from poroscale.networks.acwgan.generator import (
    MicrographGenerator,
    drawn_grain,
    drawn_noise,
)
from poroscale.networks.acwgan.losses import (
    area_loss,
    area_shares,
    condition_loss,
    heads_right,
    opened_shares,
)
from poroscale.networks.acwgan.shape import MicrographGanShape, check_chip
from poroscale.networks.adversarial.penalty import gradient_penalty, layer_slopes, traced_slopes

ONE = MicrographGanShape((2, 3), noise=6, embedding=4, generator=(8, 4), critic=(4, 8))
LATTICE = MicrographGanShape(
    (2, 0), "lattice", noise=6, embedding=4, generator=(8, 4), critic=(4, 8), shared=2
)


def test_the_published_inputs_and_outputs():
    """100 numbers and 20 for each condition; a score, two logits and three; 128² pixels."""
    shape = MicrographGanShape((2, 3))
    assert shape.told == 140
    assert shape.heads == (2, 3)
    assert shape.cell == 128
    check_chip(shape, 128)
    with torch.device("meta"):
        generator, critic = MicrographGenerator(shape), MicrographCritic(shape)
        image = generator(torch.empty(5, 100, 1, 1), torch.zeros(5, 2))
        score, heads = critic(image, torch.zeros(5, 2))
    assert image.shape == (5, 1, 128, 128)
    assert score.shape == (5,)
    assert [head.shape for head in heads] == [(5, 2), (5, 3)]
    assert [tuple(each.weight.shape) for each in generator.embedding.tables] == [(2, 20), (3, 20)]


def test_the_resnet_of_the_ablation_has_eighteen_layers():
    shape = MicrographGanShape((2, 3), critic_kind="resnet18", critic=(64, 128, 256, 512))
    with torch.device("meta"):
        critic = MicrographCritic(shape)
        score, heads = critic(torch.empty(2, 1, 128, 128), torch.zeros(2, 2))
    layers = [
        m for m in critic.body.modules() if isinstance(m, nn.Conv2d) and m.kernel_size != (1, 1)
    ]
    assert len(layers) + 1 == 18
    count = sum(p.numel() for p in critic.body.parameters())
    # 11,176,512 of the published network without its last layer, less two of three colours
    assert count == 11_176_512 - 2 * 64 * 49
    assert score.shape == (2,)
    assert [head.shape for head in heads] == [(2, 2), (2, 3)]


def test_a_critic_judges_each_image_alone():
    """Else the penalty of gradients would be that of the batch."""
    kinds = ("convolutional", "resnet18")
    for kind, projection in itertools.product(kinds, (False, True)):
        shape = MicrographGanShape(
            (2, 0), critic_kind=kind, critic=(4, 8, 8, 8), projection=projection
        )
        torch.manual_seed(0)
        critic, images = MicrographCritic(shape), torch.randn(4, 1, 64, 64)
        codes = torch.tensor([[0, 0.0], [1, 0.5], [0, 1.0], [1, 0.0]])
        whole, heads = critic(images, codes)
        alone, head = critic(images[2:3], codes[2:3])
        torch.testing.assert_close(whole[2:3], alone)
        torch.testing.assert_close(heads[1][2:3], head[1])
        torch.testing.assert_close(critic.scores(images, codes), whole)


def test_conditions_change_the_image_and_a_missing_one_is_the_zero_vector():
    torch.manual_seed(1)
    generator = MicrographGenerator(ONE).eval()
    noise = torch.randn(1, 6, 1, 1)
    images = [
        generator(noise, torch.tensor([[a, b]])) for a in (-1.0, 0.0, 1.0) for b in (0.0, 2.0)
    ]
    for k, one in enumerate(images):
        for other in images[:k]:
            assert not torch.allclose(one, other)
    embedded = generator.embedding(torch.tensor([[-1.0, 1.0]]))
    assert (embedded[0, :4] == 0).all()
    torch.testing.assert_close(embedded[0, 4:], generator.embedding.tables[1].weight[1])


def test_a_lattice_makes_any_size_of_the_same_noises():
    torch.manual_seed(2)
    generator = MicrographGenerator(LATTICE).eval()
    noise, codes = torch.randn(1, 6, 9, 8), torch.tensor([[1.0, 0.3]])
    noise[:, :2] = noise[:, :2, :1, :1]
    with torch.no_grad():
        whole = generator(noise, codes)
        part = generator(noise[:, :, 2:6, 3:7], codes)
    assert LATTICE.cell == 8
    assert whole.shape[2:] == (7 * 8, 6 * 8)
    torch.testing.assert_close(part, whole[:, :, 16:32, 24:40], atol=1e-6, rtol=0)


def test_every_pixel_of_a_lattice_sees_as_many_noises():
    generator = MicrographGenerator(LATTICE).eval()
    for layer in generator.layers:
        if isinstance(layer, nn.ConvTranspose2d):
            nn.init.ones_(layer.weight)
    flat = generator.layers[:-1](torch.ones(1, LATTICE.told, 6, 6))
    assert torch.allclose(flat, flat[0, :, 8, 8][None, :, None, None])


def test_some_numbers_are_those_of_the_whole_image():
    torch.manual_seed(0)
    noise = drawn_noise(LATTICE, 3, 32)
    assert noise.shape == (3, 6, 6, 6)
    assert (noise[:, :2] == noise[:, :2, :1, :1]).all()
    assert (noise[:, 2:] != noise[:, 2:, :1, :1]).float().mean() > 0.9
    assert drawn_noise(ONE, 3, 16).shape == (3, 6, 1, 1)


def test_the_loss_of_the_heads():
    """Cross entropy and squared error; one that is missing does not count."""
    codes = torch.tensor([[0.0, 0.25], [1.0, 0.5], [-1.0, 1.0]])
    logits = torch.tensor([[0.0, 0.0], [0.0, np.log(3)], [50.0, -50.0]])
    numbers = torch.tensor([[0.25], [1.0], [1.0]])
    found = condition_loss([logits, numbers], codes, (2, 0))
    assert float(found) == pytest.approx((np.log(2) - np.log(3 / 4)) / 2 + 0.25 / 3)
    assert heads_right([logits, numbers], codes, (2, 0)) == [
        1.0,
        pytest.approx(0.25**0.5 / 3**0.5),
    ]
    none = torch.full((2, 1), -1.0)
    assert float(condition_loss([logits[:2]], none, (2,))) == 0
    assert heads_right([logits[:2]], none, (2,)) == [None]


def test_the_penalty_is_zero_where_the_slope_is_one():
    def slope(factor):
        return lambda images: factor * images.flatten(1)[:, 3]

    real, made = torch.randn(2, 5, 1, 4, 4)
    assert float(gradient_penalty(traced_slopes(slope(1.0)), real, made)) == pytest.approx(
        0, abs=1e-10
    )
    assert float(gradient_penalty(traced_slopes(slope(3.0)), real, made)) == pytest.approx(4)


def test_shares_of_the_area_are_those_of_sharp_steps():
    torch.manual_seed(0)
    images = 2 * torch.rand(3, 1, 40, 40) - 1
    levels = np.linspace(-1, 1, 12)[1:-1]
    sharp = [[(one.numpy() > level).mean() for level in levels] for one in images]
    np.testing.assert_allclose(area_shares(images).numpy(), sharp, atol=0.01)


def test_openings_see_particles_of_their_size():
    images = torch.full((3, 1, 64, 64), -0.5)
    images[1, 0, ::16, ::16] = 1.0  # many small ones
    images[2, 0, 10:34, 20:44] = 1.0  # a large one
    shares = opened_shares(images)
    assert shares.shape == (3, 40)
    for plain, small, large in shares[:, 10:].split(10, dim=1):
        torch.testing.assert_close(small, plain, atol=1e-4, rtol=0)
        assert float(large[6] - plain[6]) == pytest.approx(24**2 / 64**2, rel=0.15)
    assert opened_shares(images[:, :, :16, :16]).shape == (3, 20)


def test_openings_tell_a_large_particle_from_a_cloud_of_the_same_area():
    images = torch.full((2, 1, 64, 64), -0.5)
    images[0, 0, 8:32, 8:32] = 1.0
    for y, x in itertools.product((8, 20, 32, 44), repeat=2):  # between them lies half a width
        images[1, 0, y : y + 6, x : x + 6] = 1.0
    assert images[0].sum() == images[1].sum()
    images.requires_grad_(True)
    one, cloud = opened_shares(images)[:, 20:]  # of 12 and 16 pixels
    assert (one[6:10] > 0.1).all()
    assert (cloud[6:10] < 1e-3).all()
    one.sum().backward()
    assert images.grad[0].abs().sum() > 0


def test_the_area_loss_pulls_a_setting_to_its_own_shares():
    torch.manual_seed(0)
    wanted = area_shares(torch.cat([torch.randn(4, 1, 16, 16) * 0.2 + m for m in (-0.5, 0.5)]))
    wanted = torch.stack([wanted[:4].mean(0), wanted[4:].mean(0)])
    images = (0.3 * torch.randn(6, 1, 16, 16)).requires_grad_()
    settings = torch.tensor([0, 1, 0, 1, 0, 1])
    before = area_loss(images, settings, wanted)
    before.backward()
    assert float(images.grad[settings == 0].mean()) > 0 > float(images.grad[settings == 1].mean())
    same = torch.stack([area_shares(images.detach())[settings == k].mean(0) for k in (0, 1)])
    assert float(area_loss(images.detach(), settings, same)) == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_a_change_is_random_and_can_be_differentiated(name):
    torch.manual_seed(3)
    images = torch.randn(16, 1, 16, 16).requires_grad_()
    changed = augmented(images, (name,))
    assert changed.shape == images.shape
    assert (changed != images).flatten(1).any(dim=1).float().mean() > 0.6
    changed.sum().backward()
    assert images.grad.abs().sum() > 0
    torch.manual_seed(3)
    torch.randn(16, 1, 16, 16)
    torch.testing.assert_close(augmented(images, (name,)), changed)


def test_changes_keep_what_they_should():
    torch.manual_seed(0)
    images = torch.randn(8, 1, 16, 16)
    turned = augmented(images, ("turn",))
    torch.testing.assert_close(turned.flatten(1).sort().values, images.flatten(1).sort().values)
    stronger = augmented(images, ("contrast",))
    torch.testing.assert_close(stronger.mean(dim=(1, 2, 3)), images.mean(dim=(1, 2, 3)))
    brighter = augmented(images, ("brightness",)) - images
    assert brighter.flatten(1).std(dim=1).max() < 1e-6
    assert augmented(images, ()) is images


@pytest.mark.parametrize(
    ("change", "edge", "sentence"),
    [
        ({"critic": (4,)}, 16, "`critic` must have layers for chips of 16 pixels, got 1 for 8"),
        ({}, 20, "`critic` must have layers for chips of 20 pixels, got 2 for 16"),
        ({"generator": (8,)}, 16, "`generator` must make chips of 16 pixels: a generator of one"),
    ],
)
def test_chips_that_do_not_fit_are_refused(change, edge, sentence):
    shape = MicrographGanShape(**{**ONE.__dict__, **change})
    with pytest.raises(ValueError, match=sentence):
        check_chip(shape, edge)


def test_architectures_that_are_none():
    with pytest.raises(ValueError, match="`shared` must be from 0 to 99, got 100"):
        MicrographGanShape((2,), "lattice", shared=100)
    for name in ("shared", "body"):
        with pytest.raises(ValueError, match=f"`{name}` must be left out without `latents: latt"):
            MicrographGanShape((2,), **{name: (2,) if name == "body" else 2})
    with pytest.raises(ValueError, match="four stages"):
        MicrographGanShape((2,), critic_kind="resnet18", critic=(4, 8))
    with pytest.raises(ValueError, match="a condition and a layer"):
        MicrographGanShape(())
    with pytest.raises(ValueError, match="multiple of 8 pixels, got 20"):
        LATTICE.latents_of(20)


def test_what_an_image_shares_moves_its_brightness_and_contrast_alone():
    torch.manual_seed(0)
    generator = MicrographGenerator(LATTICE).eval()
    nn.init.normal_(generator.exposure.weight, 0.0, 0.3)
    noise = drawn_noise(LATTICE, 1, 32).expand(2, -1, -1, -1).clone()
    noise[1, :2] += 1.0
    with torch.no_grad():
        first, other = torch.atanh(generator(noise, torch.zeros(2, 2)).double()).flatten(1)
    slope = (first - first.mean()) @ (other - other.mean()) / ((first - first.mean()) ** 2).sum()
    assert abs(float(slope) - 1) > 0.05
    assert abs(float(other.mean() - slope * first.mean())) > 0.05
    torch.testing.assert_close(
        other - other.mean(), slope * (first - first.mean()), rtol=1e-4, atol=1e-6
    )


def test_grain_is_a_texture_whose_strength_follows_the_conditions():
    shape = MicrographGanShape((2, 0), "lattice", noise=3, embedding=4, generator=(4,), grain=2)
    torch.manual_seed(0)
    generator = MicrographGenerator(shape).eval()
    noise, codes = torch.zeros(2, 3, 6, 6), torch.tensor([[0.0, 0.5], [1.0, 0.5]])
    grain = [each.expand(2, -1, -1, -1) for each in drawn_grain(shape, 1, 16)]
    assert [tuple(each.shape) for each in grain] == [(2, 2, 10, 10), (2, 2, 20, 20)]
    nn.init.zeros_(generator.strength.weight)
    with torch.no_grad():
        first = generator.embedding.tables[0].weight[0]
        generator.strength.weight[0, :4] = -30 * torch.sign(first)
        grainy = torch.atanh(generator(noise, codes, grain))
        plain = torch.atanh(generator(noise, codes, [grain[0], torch.zeros_like(grain[1])]))
    apart = (grainy - plain).std(dim=(1, 2, 3))
    assert apart[0] < 1e-3  # the first level wants none
    assert drawn_grain(LATTICE, 1, 16) is None
    with pytest.raises(ValueError, match="`grain` must be 0 or more"):
        MicrographGanShape((2,), grain=-1)


def test_grain_begins_as_faint_white_noise():
    shape = MicrographGanShape((2,), "lattice", noise=3, embedding=4, generator=(4,), grain=3)
    generator = MicrographGenerator(shape).eval()
    noise, codes = torch.zeros(1, 3, 18, 18), torch.zeros(1, 1)
    inner, pixels = drawn_grain(shape, 1, 64)
    with torch.no_grad():
        told = [
            torch.atanh(generator(noise, codes, [inner, each]))[0, 0]
            for each in (torch.zeros_like(pixels), pixels)
        ]
    texture = told[1] - told[0]
    assert texture.std() == pytest.approx(0.1, rel=0.1)
    assert abs(float((texture[1:] * texture[:-1]).mean())) < 0.1 * float(texture.var())


def test_grain_of_a_pixel_and_of_a_place_depends_on_its_neighbours_alone():
    shape = MicrographGanShape((2,), "lattice", noise=3, embedding=4, generator=(4,), grain=1)
    torch.manual_seed(0)
    generator = MicrographGenerator(shape).eval()
    noise, codes = torch.zeros(1, 3, 6, 6), torch.zeros(1, 1)
    grain = [torch.zeros(1, 1, 10, 10), torch.zeros(1, 1, 20, 20)]
    with torch.no_grad():
        plain = generator(noise, codes, grain)
        for level, place, first, last in (
            (1, (10, 9), (6, 5), (10, 9)),
            (0, (4, 5), (5, 7), (8, 10)),
        ):
            changed = [each.clone() for each in grain]
            changed[level][0, 0, place[0], place[1]] = 50.0
            texture = generator.texture.weight
            nn.init.ones_(texture)
            moved = (generator(noise, codes, changed) != plain)[0, 0].nonzero()
            assert tuple(moved.min(dim=0).values.tolist()) == first
            assert tuple(moved.max(dim=0).values.tolist()) == last


@pytest.mark.parametrize("latents", ["one", "lattice"])
def test_grain_has_a_noise_for_each_place_that_a_layer_reads(latents):
    shape = MicrographGanShape((2,), latents, generator=(6, 5, 4), grain=2)
    edge = shape.cell if latents == "one" else 2 * shape.cell
    generator = MicrographGenerator(shape)
    noise, grain = drawn_noise(shape, 1, edge), drawn_grain(shape, 1, edge)
    assert generator(noise, torch.zeros(1, 1), grain).shape == (1, 1, edge, edge)
    assert shape.channels == [(120, 6), (8, 5), (7, 4), (6, 1)]


def test_grain_begins_as_the_texture_that_was_measured():
    shape = MicrographGanShape((2,), "lattice", noise=3, embedding=4, generator=(4,), grain=2)
    generator = MicrographGenerator(shape)
    texture = torch.arange(25.0).reshape(5, 5) / 100
    generator.begin_grain(texture)
    noise, codes = torch.zeros(1, 3, 18, 18), torch.zeros(1, 1)
    inner, pixels = drawn_grain(shape, 1, 64)
    pixels = torch.zeros_like(pixels)
    pixels[0, :, 30, 30] = 2**-0.5
    with torch.no_grad():
        plain = generator(noise, codes, [inner, torch.zeros_like(pixels)])
        moved = torch.atanh(generator(noise, codes, [inner, pixels])) - torch.atanh(plain)
    torch.testing.assert_close(moved[0, 0, 26:31, 26:31].flip(0, 1), texture, atol=1e-4, rtol=1e-3)
    generator.begin_grain(torch.zeros(5, 5))  # of masks: none, which may be learnt nevertheless
    assert float(torch.nn.functional.softplus(generator.strength.bias.detach())) == pytest.approx(
        1e-3
    )


def test_a_body_ties_more_latents_together():
    wide = MicrographGanShape((2,), "lattice", noise=3, embedding=4, generator=(4,), body=(5, 6))
    assert (LATTICE.margin, wide.margin, wide.cell) == (2, 6, 4)
    assert wide.channels == [(6, 4), (4, 1)]
    torch.manual_seed(0)
    generator = MicrographGenerator(wide).eval()
    noise, codes = drawn_noise(wide, 1, 40), torch.zeros(1, 1)
    assert noise.shape == (1, 3, 16, 16)
    with torch.no_grad():
        plain = generator(noise, codes)
        noise[0, :, 7, 8] += 100
        moved = (generator(noise, codes) != plain)[0, 0].nonzero()
    assert plain.shape == (1, 1, 40, 40)
    spans = moved.max(dim=0).values - moved.min(dim=0).values + 1
    assert all(12 < int(span) <= 7 * 4 for span in spans)
    with pytest.raises(ValueError, match="`body` must be left out"):
        MicrographGanShape((2,), body=(5,))


@pytest.mark.parametrize("kind", ["convolutional", "resnet18"])
@pytest.mark.parametrize("projection", [False, True])
def test_slopes_and_what_is_learnt_of_them_are_those_of_automatic_differentiation(kind, projection):
    shape = MicrographGanShape(
        (2, 0), critic_kind=kind, critic=(4, 8, 8, 8), projection=projection, embedding=3
    )
    torch.manual_seed(0)
    critic, images = MicrographCritic(shape).double(), torch.randn(3, 1, 64, 64).double()
    codes = torch.tensor([[0, 0.0], [1, 0.5], [0, 1.0]]).double()
    learnt = []
    for slopes in (
        critic.slopes(images, codes),
        traced_slopes(lambda x: critic.scores(x, codes))(images),
    ):
        critic.zero_grad()
        (slopes**3).sum().backward()
        found = {name: p.grad for name, p in critic.named_parameters() if p.grad is not None}
        learnt.append((slopes.detach(), found))
    torch.testing.assert_close(learnt[0][0], learnt[1][0])
    for name, grad in learnt[1][1].items():
        other = learnt[0][1].get(name, torch.zeros_like(grad))
        torch.testing.assert_close(other, grad, msg=name)


def test_slopes_of_layers_fit_any_size_and_refuse_what_is_not_linear():
    torch.manual_seed(0)
    layers = [nn.Conv2d(2, 3, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 3 * 4, 2)]
    images, weights = torch.randn(4, 2, 6, 7), torch.randn(4, 2)
    found = layer_slopes(layers, images, weights)
    traced = traced_slopes(lambda x: (nn.Sequential(*layers)(x) * weights).sum(dim=1))(images)
    torch.testing.assert_close(found, traced)
    with pytest.raises(TypeError, match="linear piece by piece, got Tanh"):
        layer_slopes([nn.Tanh()], images, images)
