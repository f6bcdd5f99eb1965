"""Convolutions of 3³ by few products (Winograd), on values with their channels last."""
