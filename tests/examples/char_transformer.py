"""A small GPT that learns to write the Zen of Python, character by character."""

from .start import draw_weights
from .zen import Characters

LENGTH, WIDTH, HEADS, LAYERS = 32, 32, 4, 2


def build(torch, characters):
    nn, functional = torch.nn, torch.nn.functional

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.to_qkv = nn.Linear(WIDTH, 3 * WIDTH)
            self.out = nn.Linear(WIDTH, WIDTH)

        def forward(self, x):
            n, length, _ = x.shape
            heads = (part.view(n, length, HEADS, -1).transpose(1, 2) for part in self.to_qkv(x).split(WIDTH, dim=2))
            y = functional.scaled_dot_product_attention(*heads, is_causal=True)
            return self.out(y.transpose(1, 2).contiguous().view(n, length, WIDTH))

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention, self.norm1, self.norm2 = Attention(), nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
            self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

        def forward(self, x):
            x = x + self.attention(self.norm1(x))
            return x + self.mlp(self.norm2(x))

    class Writer(nn.Module):
        def __init__(self):
            super().__init__()
            self.token, self.place = nn.Embedding(characters, WIDTH), nn.Embedding(LENGTH, WIDTH)
            self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
            self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, characters, bias=False)

        def forward(self, codes, target=None):
            x = self.token(codes) + self.place(torch.arange(codes.shape[1]))
            logits = self.head(self.norm(self.blocks(x)))
            if target is None:
                return logits
            return functional.cross_entropy(logits.view(-1, characters), target.view(-1))

    model = draw_weights(torch, Writer())
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
    return model


def train(torch, dtype=None, steps=200):
    zen = Characters()
    model = build(torch, len(zen.known)).to(dtype or torch.float32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.1)
    losses = []
    for codes, target in zen.batches(torch, steps, batch=8, length=LENGTH):
        loss = model(codes, target)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model, losses


def write(torch, model, start="The ", characters=40) -> str:
    """What the model thinks most likely to follow `start`."""
    zen = Characters()
    codes = torch.tensor([[zen.known.index(c) for c in start]])
    with torch.no_grad():
        for _ in range(characters):
            logits = model(codes[:, -LENGTH:])[:, -1, :]
            codes = torch.cat((codes, logits.argmax(dim=-1, keepdim=True)), dim=1)
    return zen.decode(codes[0].tolist())


def main(torch, dtype=None) -> list[float]:
    model, losses = train(torch, dtype)
    print(f"after {len(losses)} steps a loss of {losses[-1]:.2f}, and: {write(torch, model)!r}")
    return losses
