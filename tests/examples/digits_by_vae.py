"""A variational autoencoder of handwritten digits: eight numbers describe each image, and draws of them make new ones.

The encoder gives a normal distribution for each image's description. The loss is what the picture costs to tell given
a draw of the description, plus what the description itself costs: its divergence from a standard normal one.
"""

import numpy
from sklearn.datasets import load_digits

from .start import draw_weights

PIXELS, HIDDEN, CODE = 64, 96, 8


def make_model(torch):
    nn = torch.nn

    class Autoencoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.encode = nn.Sequential(nn.Linear(PIXELS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * CODE))
            self.decode = nn.Sequential(nn.Linear(CODE, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, PIXELS))

        def describe(self, images):
            """What the encoder believes of each image's description."""
            mean, spread = self.encode(images).chunk(2, dim=-1)
            return torch.distributions.Normal(mean, nn.functional.softplus(spread))

        def forward(self, images, noise):
            """The loss per image, with the draws of the descriptions made from `noise`."""
            description = self.describe(images)
            draw = description.loc + description.scale * noise  # what rsample does with noise of its own
            ink = torch.distributions.Bernoulli(logits=self.decode(draw), validate_args=False)  # grey is half an ink
            told = ink.log_prob(images).sum(-1)
            prior = torch.distributions.Normal(torch.zeros_like(draw), torch.ones_like(draw))
            return (torch.distributions.kl_divergence(description, prior).sum(-1) - told).mean()

    return draw_weights(torch, Autoencoder())


def train(torch, dtype=None, epochs=8, batch=100):
    dtype = dtype or torch.float32
    images = torch.tensor(load_digits().data / 16, dtype=dtype)
    model = make_model(torch).to(dtype)
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    draw = numpy.random.default_rng(0)
    losses = []
    for _ in range(epochs):
        order = torch.tensor(draw.permutation(len(images)))
        for start in range(0, len(images), batch):
            rows = images[order[start : start + batch]]
            noise = torch.tensor(draw.standard_normal((len(rows), CODE)), dtype=dtype)
            optimizer.zero_grad()
            loss = model(rows, noise)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return model, losses


def error(torch, model) -> float:
    """The mean squared difference between the images and what the decoder makes of their descriptions."""
    images = torch.tensor(load_digits().data / 16, dtype=next(model.parameters()).dtype)
    with torch.no_grad():
        return ((model.decode(model.describe(images).mean).sigmoid() - images) ** 2).mean().item()


def main(torch, dtype=None) -> list[float]:
    model, losses = train(torch, dtype)
    print(f"{CODE} numbers per image leave a mean squared error of {error(torch, model):.4f}")
    return losses
