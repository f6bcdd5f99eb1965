"""Training of the conditional network (Howland et al., section 3.2): ACWGAN-GP.

1. The critic learns to tell real chips from made ones: a Wasserstein distance with a penalty of
   gradients, times 10. Its heads learn the conditions of the real chips, times 5.
2. After some steps of the critic, the generator learns to raise the scores of what it makes, and
   that the heads find the conditions which it was told.

The conditions of made chips are those of the real chips of the step. Each switch beyond the paper
adds one thing: a change of all chips that the critic sees, a term of consistency, a term of the
area, a second critic of persistence images, moved conditions, a running average of the weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from poroscale.micrographs.gan.batches import ChipBatch
from poroscale.micrographs.gan.config import SemGanConfig
from poroscale.micrographs.gan.levels import GreyWindow
from poroscale.micrographs.gan.topology import (
    persistence_of,
    topology_loss,
    topology_of_chips,
)
from poroscale.networks.acwgan.augmentation import augmented
from poroscale.networks.acwgan.averages import SettingAverages
from poroscale.networks.acwgan.critic import SLOPE, MicrographCritic
from poroscale.networks.acwgan.generator import (
    MicrographGenerator,
    drawn_grain,
    drawn_noise,
)
from poroscale.networks.acwgan.losses import area_loss, condition_loss, heads_right, opened_shares
from poroscale.networks.acwgan.shape import (
    CRITIC_WIDTHS,
    LATTICE_WIDTHS,
    ONE_WIDTHS,
    RESNET_WIDTHS,
    MicrographGanShape,
    check_chip,
)
from poroscale.networks.acwgan.topology import TopologyCritic
from poroscale.networks.adversarial.averaging import running_average
from poroscale.networks.adversarial.penalty import gradient_penalty

TOPOLOGY_STEPS = 5
"""Steps of the critic of persistence images for one of the generator: it is small, and looking for
the holes takes longer than all of these."""
SPREAD = 0.02
"""Standard deviation of the first weights of the generator, as in other GANs."""


class MicrographGan:
    """Generator and critic with their optimisers, and one step of training.

    Parameters
    ----------
    config
        Networks and training.
    shape
        Architecture of both networks.
    edge
        Edge of a chip [pixels].
    window
        Grey levels of the chips.
    areas
        float32 (settings, 10) shares of the area of real chips, for the term of `area`.
    names
        Name of each condition, for what is judged.
    scale
        Size of the persistence images of real chips, for the critic of `topology`.
    texture
        float32 (5, 5) filter that the texture of `grain` begins with.
    steps
        Steps of the generator in the whole training, for `decay`.
    averages
        Those of persistence images ("persistence") and of areas of openings ("sizes") of real
        chips, for the term of `averages`.

    Raises
    ------
    ValueError
        If a network cannot have chips of this edge, nothing is there that `vicinity` would move, or
        the device is not there.
    """

    def __init__(
        self,
        config: SemGanConfig,
        shape: MicrographGanShape,
        edge: int,
        *,
        window: GreyWindow,
        areas: Tensor,
        names: Sequence[str],
        scale: float = 1.0,
        texture: Tensor | None = None,
        steps: int = 1,
        averages: Mapping[str, SettingAverages] | None = None,
    ) -> None:
        check_chip(shape, edge)
        if config.vicinity and all(shape.classes):
            raise ValueError(
                f"`vicinity` must be 0 without a continuous condition, got {config.vicinity:g}"
            )
        self.device = trained_on(config.device)
        self.config, self.shape, self.edge, self.window = config, shape, edge, window
        self.areas, self.names = areas.to(self.device), tuple(names)
        self.generator = MicrographGenerator(shape)
        self.critic = MicrographCritic(shape)
        for module in (self.generator, self.critic):
            module.apply(_begin)
            # Convolutions of a few channels compute faster with the channels last.
            module.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if shape.grain:
            self.generator.begin_grain(texture)
        self.modules: dict[str, nn.Module] = {"generator": self.generator, "critic": self.critic}
        self.scale, self.steps = scale, steps
        if config.topology:
            holes = TopologyCritic(shape.classes, shape.embedding).to(self.device)
            self.modules["topology"] = holes
        self.optimisers: dict[str, Optimizer] = {
            name: AdamW(
                module.parameters(),
                lr=config.learning_rate,
                betas=config.betas,
                weight_decay=config.weight_decay,
                fused=True,
            )
            for name, module in self.modules.items()
        }
        if averages is not None:
            self.modules |= {name: each.to(self.device) for name, each in averages.items()}
        if config.average:
            self.modules["average"] = deepcopy(self.generator).requires_grad_(False)

    @property
    def kept(self) -> MicrographGenerator:
        """The generator that is judged and kept."""
        found = self.modules["average" if self.config.average else "generator"]
        assert isinstance(found, MicrographGenerator)
        return found

    def step(self, batch: ChipBatch) -> dict[str, float]:
        """Steps of the critic on the chips of a batch, and one of the generator.

        Returns
        -------
        dict
            "distance" by which the critic tells real from made, "penalty" of gradients, "heads":
            what they have wrong of real chips, all of the last step; "generator" and "told": its
            loss, and what the heads have wrong of made chips; "area", "consistency" where they are
            trained on; "topology" and "holes": distance of persistence images as their critic tells
            it, and the loss of the generator by it; "averages" and "sizes": how far persistence
            images and areas of openings of each setting are from real ones.
        """
        self._set_rate()
        found: dict[str, float] = {}
        last = len(batch.chips) - 1
        for k, (chips, codes) in enumerate(zip(batch.chips, batch.codes, strict=True)):
            found = self._criticise(self._real(chips), codes.to(self.device), last=k == last)
        codes, settings = batch.codes[-1].to(self.device), batch.settings[-1].to(self.device)
        return found | self._generate(codes, settings)

    def _set_rate(self) -> None:
        """The learning rate of a step, by the steps that the generator has taken."""
        config = self.config
        if not config.decay:
            return
        state = self.optimisers["generator"].state
        done = max((int(each["step"]) for each in state.values()), default=0)
        falling = (1 - done / self.steps) / config.decay
        rate = config.learning_rate * min(1.0, max(falling, 0.0))
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = rate

    def _real(self, chips: Tensor) -> Tensor:
        return self.window.to_unit(chips.to(self.device))[:, None]

    def _made(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Made chips, and the conditions that they were told."""
        told = moved_codes(codes, self.shape.classes, self.config.vicinity)
        with self._mixed():
            made = self.generator(*self._drawn(told))
        return made.float(), told

    def _drawn(self, codes: Tensor) -> tuple[Tensor, Tensor, list[Tensor] | None]:
        """What the generator reads of chips with these codes."""
        noise = drawn_noise(self.shape, len(codes), self.edge).to(self.device)
        grain = drawn_grain(self.shape, len(codes), self.edge)
        return noise, codes, None if grain is None else [each.to(self.device) for each in grain]

    def _mixed(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.mixed)

    def _criticise(self, real: Tensor, codes: Tensor, *, last: bool) -> dict[str, float]:
        config = self.config
        with torch.no_grad():
            # Real chips are shown with the same codes: moved ones would give made chips away.
            made, asked = self._made(codes)
        shown, made = (augmented(each, config.augment) for each in (real, made))
        with self._mixed():
            scores, heads = self.critic(shown, asked)
            distance = scores.float().mean() - self.critic.scores(made, asked).float().mean()
        wrong = condition_loss(heads, codes, self.shape.classes)
        # The penalty is left in single precision.
        penalty = gradient_penalty(partial(self.critic.slopes, codes=asked), shown, made)
        loss = config.penalty * penalty + config.classification * wrong - distance
        told = {"distance": distance, "penalty": penalty, "heads": wrong}
        if config.consistency:
            told["consistency"] = apart = self._inconsistency(real, asked)
            loss = loss + config.consistency * apart
        if config.topology and last:
            told["topology"] = self._criticise_topology(shown, made, codes)
        self._descend("critic", loss)
        return {name: float(value.detach()) for name, value in told.items()}

    def _criticise_topology(self, real: Tensor, made: Tensor, codes: Tensor) -> Tensor:
        """Steps of the critic of persistence images; the distance that it tells."""
        own, other = (topology_of_chips(each, self.scale) for each in (real, made))
        critic = self.modules["topology"]
        assert isinstance(critic, TopologyCritic)
        distance = own.new_zeros(())
        for _ in range(TOPOLOGY_STEPS):
            loss, distance = topology_loss(critic, own, other, codes, self.config.penalty)
            self._descend("topology", loss)
        return distance

    def _inconsistency(self, real: Tensor, codes: Tensor) -> Tensor:
        """How far the scores of real chips move as these are turned and shifted (Zhang 2020)."""
        changed = augmented(real, ("turn", "shift"))
        with self._mixed():
            apart = self.critic.scores(real, codes) - self.critic.scores(changed, codes)
        return (apart.float() ** 2).mean()

    def _generate(self, codes: Tensor, settings: Tensor) -> dict[str, float]:
        config = self.config
        self.critic.requires_grad_(False)
        made, asked = self._made(codes)
        with self._mixed():
            scores, heads = self.critic(augmented(made, config.augment), asked)
        raised = -scores.float().mean()
        wrong = condition_loss(heads, asked, self.shape.classes)
        loss = raised + config.generator_classification * wrong
        told = {"generator": raised, "told": wrong}
        if config.area:
            told["area"] = apart = area_loss(made, settings, self.areas)
            loss = loss + config.area * apart
        if config.topology or config.averages:
            loss = loss + self._topology_of(made, asked, settings, told)
        self._descend("generator", loss)
        self.critic.requires_grad_(True)
        if config.average:
            running_average(self.kept, self.generator, config.average)
        return {name: float(value.detach()) for name, value in told.items()}

    def _topology_of(
        self, made: Tensor, codes: Tensor, settings: Tensor, told: dict[str, Tensor]
    ) -> Tensor:
        """The terms of the persistence images in the loss of the generator."""
        config, holes = self.config, persistence_of(made, self.scale)
        loss = holes.new_zeros(())
        if config.topology:
            critic = self.modules["topology"].requires_grad_(False)
            told["holes"] = raised = -critic(holes, codes).mean()
            loss = loss + config.topology * raised
            critic.requires_grad_(True)
        if config.averages:
            pulled, told["averages"] = self.modules["persistence"](holes, settings)
            large, told["sizes"] = self.modules["sizes"](opened_shares(made), settings)
            loss = loss + config.averages * (pulled + large)
        return loss

    def _descend(self, name: str, loss: Tensor) -> None:
        self.optimisers[name].zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimisers[name].step()

    def judge(self, batch: ChipBatch) -> dict[str, float]:
        """What the critic's heads tell of chips that are not trained on, and of made ones.

        Returns
        -------
        dict
            "real_NAME" and "made_NAME" of each condition: share of the levels that are told right,
            or the error of a scalar as a share of its span; "area": how far the shares of the area
            of made chips are from those of real ones.
        """
        codes, settings = batch.codes[0].to(self.device), batch.settings[0].to(self.device)
        kept = self.kept
        training = kept.training
        kept.eval()
        with torch.no_grad():
            made = kept(*self._drawn(codes))
            found = {"area": float(area_loss(made, settings, self.areas))}
            for side, chips in (("real", self._real(batch.chips[0])), ("made", made)):
                right = heads_right(self.critic(chips, codes)[1], codes, self.shape.classes)
                for name, value in zip(self.names, right, strict=True):
                    found |= {} if value is None else {f"{side}_{name}": value}
        kept.train(training)
        return found


def gan_shape(config: SemGanConfig, classes: tuple[int, ...]) -> MicrographGanShape:
    """The architecture that the settings describe, for conditions of so many levels."""
    lattice, resnet = config.latents == "lattice", config.critic_kind == "resnet18"
    return MicrographGanShape(
        classes,
        config.latents,
        config.noise,
        config.embedding,
        config.shared,
        config.grain,
        config.body,
        config.generator or (LATTICE_WIDTHS if lattice else ONE_WIDTHS),
        config.critic_kind,
        config.critic or (RESNET_WIDTHS if resnet else CRITIC_WIDTHS),
        config.projection,
    )


def moved_codes(codes: Tensor, classes: Sequence[int], vicinity: float) -> Tensor:
    """Codes whose continuous conditions are moved at random, within their span."""
    if not vicinity or all(classes):
        return codes
    continuous = torch.tensor([many == 0 for many in classes], device=codes.device)
    shift = vicinity * torch.randn(codes.shape).to(codes.device)
    return torch.where(continuous, (codes + shift).clamp(0, 1), codes)


def trained_on(device: str) -> torch.device:
    """The device; ValueError if this machine has none of the kind."""
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("`device` must be cpu on this machine, which has no GPU; got cuda")
    return torch.device(device)


def _begin(module: nn.Module) -> None:
    """First weights: N(0, 0.02) where a normalisation follows, else such that values keep their
    size (He et al. 2015), because a critic has none."""
    if isinstance(module, nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, SPREAD)
    elif isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, a=SLOPE)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, SPREAD)
    bias = getattr(module, "bias", None)
    if isinstance(bias, nn.Parameter):
        nn.init.zeros_(bias)
