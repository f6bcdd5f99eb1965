"""What adversarial networks of any kind are trained with."""
