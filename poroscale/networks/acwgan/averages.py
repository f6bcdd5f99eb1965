"""Averages of what is made in each setting, against those of real images of the setting.

The square of the difference of averages of a few images also punishes how they scatter, so that
images of a setting become alike. So the difference is that of a running average, and only its
direction is what an image learns from: a linear critic for each setting.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

PAST = 0.98
"""Share of the past in the running average of a setting, for each step that makes images of it."""


class SettingAverages(nn.Module):
    """Running averages of features by setting, and what they should be.

    Parameters
    ----------
    wanted
        float32 (settings, features) averages of real images.
    spread
        float32 (features,) or (settings, features): what a difference is measured by, such as the
        standard deviation of a feature among real images of a setting; positive.
    after
        Steps after which the averages count. Before, the images are no images yet, and all
        features are far off: the critic has to come first.
    """

    wanted: Tensor
    spread: Tensor
    made: Tensor
    seen: Tensor
    steps: Tensor

    def __init__(self, wanted: Tensor, spread: Tensor, after: int = 0) -> None:
        super().__init__()
        self.after = after
        self.register_buffer("steps", torch.zeros(()))
        self.register_buffer("wanted", wanted)
        self.register_buffer("spread", spread.expand_as(wanted).clone())
        self.register_buffer("made", wanted.clone())
        self.register_buffer("seen", torch.zeros(len(wanted)))

    def forward(self, features: Tensor, settings: Tensor) -> tuple[Tensor, Tensor]:
        """What an image of features (n, features) of settings (n,) learns from, and the mean
        squared difference of the averages in spreads."""
        with torch.no_grad():
            self.steps += 1
            for setting in torch.unique(settings).tolist():
                found = features[settings == setting].mean(dim=0)
                past = PAST if self.seen[setting] else 0.0
                self.made[setting] = past * self.made[setting] + (1 - past) * found
                self.seen[setting] = 1
            apart = ((self.made - self.wanted) / self.spread)[settings]
        pulled = 2 * (apart * features / self.spread[settings]).mean(dim=1).mean()
        return pulled * (self.steps > self.after), (apart**2).mean()
