"""An LSTM that learns to write the Zen of Python, character by character."""

from .start import draw_weights
from .zen import Characters

LENGTH, WIDTH = 24, 64


def build(torch, characters):
    nn = torch.nn

    class Writer(nn.Module):
        def __init__(self):
            super().__init__()
            self.token = nn.Embedding(characters, 16)
            self.lstm = nn.LSTM(16, WIDTH, batch_first=True)
            self.head = nn.Linear(WIDTH, characters)

        def forward(self, codes, state=None):
            hidden, state = self.lstm(self.token(codes), state)
            return self.head(hidden), state

    return draw_weights(torch, Writer())


def train(torch, dtype=None, steps=150):
    zen = Characters()
    model = build(torch, len(zen.known)).to(dtype or torch.float32)
    criterion = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for codes, target in zen.batches(torch, steps, batch=16, length=LENGTH):
        optimizer.zero_grad()
        logits, _ = model(codes)
        loss = criterion(logits.transpose(1, 2), target)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        losses.append(loss.item())
    return model, losses


def write(torch, model, start="The ", characters=40) -> str:
    """What the model thinks most likely to follow `start`; the state carries what was written so far."""
    zen = Characters()
    codes, state = [zen.known.index(c) for c in start], None
    read = torch.tensor([codes])
    with torch.no_grad():
        for _ in range(characters):
            logits, state = model(read, state)
            read = logits[:, -1].argmax(dim=-1, keepdim=True)
            codes.append(read.item())
    return zen.decode(codes)


def main(torch, dtype=None) -> list[float]:
    model, losses = train(torch, dtype)
    print(f"after {len(losses)} steps a loss of {losses[-1]:.2f}, and: {write(torch, model)!r}")
    return losses
