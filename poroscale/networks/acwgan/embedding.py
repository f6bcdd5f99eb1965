"""Conditions as numbers that a network reads."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ConditionEmbedding(nn.Module):
    """Codes of conditions to their embeddings.

    A level has a vector, a level that a specimen lacks the zero vector, and a continuous condition
    a small network of its number.

    Parameters
    ----------
    classes
        Levels of each condition; 0 of a continuous one.
    width
        Numbers of an embedding.
    """

    def __init__(self, classes: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.classes = classes
        self.tables = nn.ModuleList(
            nn.Embedding(many, width)
            if many
            else nn.Sequential(nn.Linear(1, width), nn.LeakyReLU(0.2), nn.Linear(width, width))
            for many in classes
        )

    def forward(self, codes: Tensor) -> Tensor:
        """(n, conditions · width) from float (n, conditions)."""
        found = []
        for column, many, table in zip(codes.T, self.classes, self.tables, strict=True):
            if many:
                there = (column >= 0).to(codes.dtype)[:, None]
                found.append(there * table(column.clamp(min=0).long()))
            else:
                found.append(table(2 * column[:, None] - 1))
        return torch.cat(found, dim=1)
