"""Two interleaved half moons, told apart by a network with two hidden layers."""

from sklearn.datasets import make_moons

from .start import draw_weights


def points(torch, dtype):
    x, is_upper = make_moons(200, noise=0.15, random_state=0)
    return torch.tensor(x, dtype=dtype), torch.tensor(is_upper, dtype=dtype)


def train(torch, dtype=None, steps=200):
    dtype = dtype or torch.float32
    nn = torch.nn
    x, y = points(torch, dtype)
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
    model = draw_weights(torch, model.to(dtype))
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = criterion(model(x).squeeze(1), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model, losses


def accuracy(torch, model) -> float:
    """The share of points on the right side of the boundary, which is where the logit is 0."""
    x, y = points(torch, next(model.parameters()).dtype)
    with torch.no_grad():
        said_upper = model(x).squeeze(1) > 0
    return (said_upper == (y > 0)).sum().item() / len(y)


def main(torch, dtype=None) -> list[float]:
    model, losses = train(torch, dtype)
    print(f"{accuracy(torch, model):.1%} of the points are on their side of the boundary")
    return losses
