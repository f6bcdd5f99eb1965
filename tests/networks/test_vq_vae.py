"""The code book: what moves it, and where it comes to rest."""

import torch

from poroscale.networks.vq_vae import CodeBook
from tests.networks.makers import batch, small


def test_code_book_follows_in_training_alone():
    torch.manual_seed(0)
    book, field = CodeBook(4, 8), torch.randn(2, 4, 3, 3, 3)
    codes = book.codes.clone()
    book.eval()(field)
    assert torch.equal(book.codes, codes)
    book.train()(field)
    assert not torch.equal(book.codes, codes)
    assert {"codes", "sums", "counts"} == set(book.state_dict())


def test_codes_come_to_the_means_of_what_is_nearest():
    torch.manual_seed(0)
    book = CodeBook(2, 2).train()
    points = torch.tensor([[-3.0, 0.0], [3.0, 1.0]]).T.reshape(1, 2, 2, 1, 1)
    for _ in range(1500):
        book(points)
    found = book.codes[book.codes[:, 0].argsort()]
    assert torch.allclose(found, torch.tensor([[-3.0, 0.0], [3.0, 1.0]]), atol=1e-2)


def test_codes_are_the_nearest_and_pass_the_gradient_straight_on():
    torch.manual_seed(0)
    book = CodeBook(3, 16).eval()
    field = torch.randn(2, 3, 2, 2, 2, requires_grad=True)
    coded, commitment = book(field)
    coded.sum().backward()
    flat, found = (x.detach().movedim(1, -1).reshape(-1, 3) for x in (field, coded))
    squares = ((flat[:, None] - book.codes) ** 2).sum(-1)
    assert torch.allclose(found, book.codes[squares.argmin(1)], atol=1e-6)
    assert torch.equal(field.grad, torch.ones_like(field))
    assert torch.allclose(commitment.detach(), squares.amin(1).sum() / field.numel())


def test_code_book_is_kept_with_the_weights():
    network, (patches, _) = small("vqvae").train(), batch(16)
    network.loss(patches)
    keys = {key for key in network.state_dict() if key.startswith("book.")}
    assert keys == {"book.codes", "book.sums", "book.counts"}
    assert not any(key.startswith("book.") for key, _ in network.named_parameters())
