"""The conditional adversarial network of micrographs: training, model, sampler."""
