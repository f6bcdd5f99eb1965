"""Topology of volumes and of images: Betti curves, persistence pairs and images of them."""
