"""Scripts in the manner of public courses, with nothing but their import lines changed, in both libraries.

Each leaves numbers in `result`, which must agree. Random streams differ, so weights come from `known`.
"""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from both_libraries import pytorch

import tinygrad_stab

SCRIPTS: dict[str, str] = {}

SCRIPTS["a language model of pairs of letters"] = """
words = ["anna", "otto", "emma", "ada"]
chars = ["."] + sorted(set("".join(words)))
stoi = {s: i for i, s in enumerate(chars)}; itos = {i: s for s, i in stoi.items()}
N = torch.zeros((len(chars), len(chars)), dtype=torch.int32)
for w in words:
    for a, b in zip("." + w, w + "."):
        N[stoi[a], stoi[b]] += 1
plt.imshow(N); plt.text(0, 0, N[0, 0].item(), ha="center"); plt.close("all")
P = (N + 1).float(); P /= P.sum(1, keepdim=True)
g = torch.Generator().manual_seed(2147483647)
ix, out = 0, []
while True:
    ix = torch.multinomial(P[ix], num_samples=1, replacement=True, generator=g).item()
    out.append(itos[ix])
    if ix == 0 or len(out) > 50: break
log_likelihood = sum(torch.log(P[stoi[a], stoi[b]]) for w in words for a, b in zip("." + w, w + "."))
xs = torch.tensor([stoi[a] for w in words for a in "." + w])
ys = torch.tensor([stoi[b] for w in words for b in w + "."])
W = known(len(chars), len(chars)); W.requires_grad = True
for k in range(5):
    xenc = F.one_hot(xs, num_classes=len(chars)).float()
    logits = xenc @ W
    counts = logits.exp(); probs = counts / counts.sum(1, keepdims=True)
    loss = -probs[torch.arange(xs.nelement()), ys].log().mean() + 0.01 * (W**2).mean()
    W.grad = None; loss.backward(); W.data += -5 * W.grad
result = [log_likelihood, loss, W, ys.shape[0]]
"""

SCRIPTS["an embedding, a hidden layer, a rate search"] = """
C, W1, b1, W2, b2 = known(7, 2), known(6, 10), known(10), known(10, 7), known(7)
parameters = [C, W1, b1, W2, b2]
for p in parameters: p.requires_grad = True
X = torch.tensor([[i % 7, (i * 3) % 7, (i * 5 + 1) % 7] for i in range(20)]); Y = (X.sum(1) % 7)
lre = torch.linspace(-3, 0, 10); lrs = 10**lre; lossi = []
for i in range(10):
    emb = C[X]; h = torch.tanh(emb.view(-1, 6) @ W1 + b1); logits = h @ W2 + b2
    loss = F.cross_entropy(logits, Y)
    for p in parameters: p.grad = None
    loss.backward()
    for p in parameters: p.data += -lrs[i] * p.grad
    lossi.append(loss.log10().item())
plt.plot(lre, lossi); plt.hist(h.view(-1).tolist(), 50); plt.close("all")
n = sum(p.nelement() for p in parameters)
result = [torch.tensor(lossi).view(-1, 5).mean(1), n, C.grad, emb.shape[2]]
"""

SCRIPTS["layers and BatchNorm by hand"] = """
class Linear:
    def __init__(self, fan_in, fan_out, bias=True):
        self.weight = known(fan_in, fan_out) / fan_in**0.5
        self.bias = torch.zeros(fan_out) if bias else None
    def __call__(self, x):
        self.out = x @ self.weight
        if self.bias is not None: self.out += self.bias
        return self.out
    def parameters(self): return [self.weight] + ([] if self.bias is None else [self.bias])
class BatchNorm1d:
    def __init__(self, dim, eps=1e-5, momentum=0.1):
        self.eps, self.momentum, self.training = eps, momentum, True
        self.gamma, self.beta = torch.ones(dim), torch.zeros(dim)
        self.running_mean, self.running_var = torch.zeros(dim), torch.ones(dim)
    def __call__(self, x):
        if self.training: xmean, xvar = x.mean(0, keepdim=True), x.var(0, keepdim=True)
        else: xmean, xvar = self.running_mean, self.running_var
        self.out = self.gamma * (x - xmean) / torch.sqrt(xvar + self.eps) + self.beta
        if self.training:
            with torch.no_grad():
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * xmean
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * xvar
        return self.out
    def parameters(self): return [self.gamma, self.beta]
class Tanh:
    def __call__(self, x):
        self.out = torch.tanh(x); return self.out
    def parameters(self): return []
layers = [
    Linear(4, 8, bias=False), BatchNorm1d(8), Tanh(), Linear(8, 8), BatchNorm1d(8), Tanh(), Linear(8, 3)
]
with torch.no_grad():
    layers[-1].weight *= 0.1
    for layer in layers[:-1]:
        if isinstance(layer, Linear): layer.weight *= 5 / 3
parameters = [p for layer in layers for p in layer.parameters()]
for p in parameters: p.requires_grad = True
xb, yb, ud = known(16, 4), torch.arange(16) % 3, []
for i in range(6):
    x = xb
    for layer in layers: x = layer(x)
    loss = F.cross_entropy(x, yb)
    for layer in layers: layer.out.retain_grad()
    for p in parameters: p.grad = None
    loss.backward()
    for p in parameters: p.data += -0.1 * p.grad
    with torch.no_grad():
        weights = [p for p in parameters if p.ndim == 2]
        ud.append([((0.1 * p.grad).std() / p.data.std()).log10().item() for p in weights])
for layer in layers[:-1]:
    if isinstance(layer, Tanh):
        hy, hx = np.histogram(layer.out.detach(), density=True)
        plt.plot(hx[:-1], hy)
plt.legend(["layer"]); plt.close("all")
saturated = [(layer.out.abs() > 0.97).float().mean() * 100 for layer in layers if isinstance(layer, Tanh)]
result = [loss, layers[2].out.grad, layers[1].running_var, torch.tensor(ud), *saturated]
"""

SCRIPTS["the backward pass by hand"] = """
def cmp(s, dt, t):
    exact = torch.all(dt == t.grad).item()
    app = torch.allclose(dt, t.grad, atol=1e-6)
    maxdiff = (dt - t.grad).abs().max().item()
    return app
x, W, b = known(6, 4), known(4, 5), known(5)
for p in (x, W, b): p.requires_grad = True
h = x @ W + b
logits = h.tanh(); logits.retain_grad(); h.retain_grad()
m = logits.max(1, keepdim=True).values
norm_logits = logits - m; counts = norm_logits.exp(); s = counts.sum(1, keepdims=True); s_inv = s**-1
probs = counts * s_inv; logprobs = probs.log(); Y = torch.tensor([0, 1, 2, 3, 4, 0]); n = 6
for t in [logprobs, probs, s_inv, counts]: t.retain_grad()
loss = -logprobs[range(n), Y].mean(); loss.backward()
dlogprobs = torch.zeros_like(logprobs); dlogprobs[range(n), Y] = -1.0 / n
dprobs = (1.0 / probs) * dlogprobs
dlogits = F.softmax(logits, 1); dlogits[range(n), Y] -= 1; dlogits /= n
dh = (1.0 - logits**2) * dlogits
agree = [cmp("logprobs", dlogprobs, logprobs), cmp("probs", dprobs, probs), cmp("logits", dlogits, logits),
         cmp("h", dh, h), cmp("W", x.T @ dh, W), cmp("b", dh.sum(0), b)]
result = [all(agree), loss, dlogits]
"""

SCRIPTS["a tree of layers"] = """
class FlattenConsecutive:
    def __init__(self, n): self.n = n
    def __call__(self, x):
        B, T, C = x.shape
        x = x.view(B, T // self.n, C * self.n)
        if x.shape[1] == 1: x = x.squeeze(1)
        self.out = x; return self.out
C, W1, W2 = known(5, 3), known(6, 4), known(8, 5)
for p in (C, W1, W2): p.requires_grad_()
X = (torch.arange(24) % 5).view(6, 4)
e = C[X]; h = torch.tanh(FlattenConsecutive(2)(e) @ W1); y = FlattenConsecutive(2)(h) @ W2
loss = F.cross_entropy(y, X[:, 0]); loss.backward()
result = [e.view(6, 2, -1).shape[2], loss, C.grad, torch.cat([e[:, ::2, :], e[:, 1::2, :]], dim=2).shape[2]]
"""

SCRIPTS["gradients saved in x.g"] = """
class Relu:
    def __call__(self, inp):
        self.inp = inp; self.out = inp.clamp_min(0.0) - 0.5; return self.out
    def backward(self): self.inp.g = (self.inp > 0).float() * self.out.g
class Lin:
    def __init__(self, w, b): self.w, self.b = w, b
    def __call__(self, inp):
        self.inp = inp; self.out = inp @ self.w + self.b; return self.out
    def backward(self):
        self.inp.g = self.out.g @ self.w.t()
        self.w.g = self.inp.t() @ self.out.g
        self.b.g = self.out.g.sum(0)
class Mse:
    def __call__(self, inp, targ):
        self.inp, self.targ = inp, targ; self.out = (inp.squeeze(-1) - targ).pow(2).mean(); return self.out
    def backward(self):
        self.inp.g = 2.0 * (self.inp.squeeze() - self.targ).unsqueeze(-1) / self.targ.shape[0]
w1, b1, w2, b2 = known(3, 4), torch.zeros(4), known(4, 1), torch.zeros(1)
x, y = known(8, 3), known(8)
layers, loss = [Lin(w1, b1), Relu(), Lin(w2, b2)], Mse()
t = x
for l in layers: t = l(t)
value = loss(t, y); loss.backward()
for l in reversed(layers): l.backward()
w22 = w2.clone().requires_grad_(True); w12 = w1.clone().requires_grad_(True)
out = ((((x @ w12 + b1).clamp_min(0.0) - 0.5) @ w22 + b2).squeeze(-1) - y).pow(2).mean(); out.backward()
result = [value, out, w1.g - w12.grad, w22.grad - w2.g, x.g]
"""

SCRIPTS["plots of activations and their slopes"] = """
x = torch.arange(-8.0, 8.0, 0.125, requires_grad=True)
seen = []
for name, f in (("relu", torch.relu), ("sigmoid", torch.sigmoid), ("tanh", torch.tanh)):
    y = f(x); plt.plot(x.detach(), y.detach(), label=name)
    if x.grad is not None: x.grad.data.zero_()
    y.backward(torch.ones_like(x), retain_graph=True)
    plt.plot(x.detach(), x.grad); seen.append(x.grad.clone())
M = known(4, 4)
for i in range(20): M = torch.mm(M, known(4, 4))
fig, axes = plt.subplots(1, 2); axes[0].set_xlabel("x"); axes[1].imshow(M.abs(), cmap="Reds")
X, Y = torch.meshgrid(torch.linspace(-1, 1, 5), torch.linspace(-1, 1, 5), indexing="ij")
ax = plt.figure().add_subplot(111, projection="3d"); ax.plot_wireframe(X, Y, X**2 - Y**2); plt.close("all")
result = [torch.stack(seen), M, X * Y]
"""

SCRIPTS["an introduction to autograd"] = """
a = torch.tensor([2., 3.], requires_grad=True); b = torch.tensor([6., 4.], requires_grad=True)
Q = 3 * a**3 - b**2
external_grad = torch.tensor([1., 1.]); Q.backward(gradient=external_grad)
checks = [9 * a**2 == a.grad, -2 * b == b.grad]
x, w, bias = torch.ones(5), known(5, 3).requires_grad_(), known(3).requires_grad_()
z = torch.matmul(x, w) + bias
loss = nn.functional.binary_cross_entropy_with_logits(z, torch.zeros(3)); loss.backward()
with torch.no_grad(): z2 = torch.matmul(x, w) + bias
inp = torch.eye(4, 5, requires_grad=True); out = (inp + 1).pow(2).t()
out.backward(torch.ones_like(out), retain_graph=True); first = inp.grad.clone()
out.backward(torch.ones_like(out), retain_graph=True); second = inp.grad.clone(); inp.grad.zero_()
result = [*checks, w.grad, z2.requires_grad, first, second, z.requires_grad, Q.grad_fn.name()]
result.append(z.detach().requires_grad)
"""

SCRIPTS["an introduction to nn"] = """
device = torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else "cpu"
class NeuralNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(
            nn.Linear(3 * 3, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 4)
        )
    def forward(self, x):
        return self.linear_relu_stack(self.flatten(x))
model = NeuralNetwork().to(device)
with torch.no_grad():
    for p in model.parameters(): p.copy_(known(*p.shape))
data = torch.utils.data.TensorDataset(known(32, 3, 3), torch.arange(32) % 4)
train_dataloader = torch.utils.data.DataLoader(data, batch_size=8, num_workers=0, pin_memory=False)
loss_fn = nn.CrossEntropyLoss(); optimizer = torch.optim.SGD(model.parameters(), lr=1e-1)
def train_loop(dataloader, model, loss_fn, optimizer):
    size = len(dataloader.dataset); model.train()
    for batch, (X, y) in enumerate(dataloader):
        X, y = X.to(device), y.to(device)
        loss = loss_fn(model(X), y); loss.backward(); optimizer.step(); optimizer.zero_grad()
        if batch % 2 == 0: said.append(f"loss: {loss.item():>7f}  [{batch * 8 + len(X):>5d}/{size:>5d}]")
def test_loop(dataloader, model, loss_fn):
    model.eval(); test_loss, correct = 0, 0
    with torch.no_grad():
        for X, y in dataloader:
            pred = model(X); test_loss += loss_fn(pred, y).item()
            correct += (pred.argmax(1) == y).type(torch.float).sum().item()
    return test_loss / len(dataloader), correct / len(dataloader.dataset)
said = []
for t in range(3): train_loop(train_dataloader, model, loss_fn, optimizer)
pred_probab = nn.Softmax(dim=1)(model(torch.ones(1, 3, 3, device=device)))
y_pred = pred_probab.argmax(1)
result = [*test_loop(train_dataloader, model, loss_fn), len(said), pred_probab, y_pred]
result.append(sum(p.numel() for p in model.parameters()))
"""


def run(torch: Any, script: str) -> list[Any]:
    """Run a script and return what it left in `result`, as arrays and plain values."""

    def known(*shape: int) -> Any:
        n = int(np.prod(shape))
        return torch.tensor(np.sin(1.7 * np.arange(n) + 0.3 * n).reshape(shape).astype(np.float32))

    names = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, "np": np, "plt": plt, "known": known}
    exec(script, names)
    plt.close("all")
    return [x.detach().numpy() if isinstance(x, torch.Tensor) else x for x in names["result"]]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_runs(name: str) -> None:
    run(tinygrad_stab, SCRIPTS[name])


# PyTorch's own, where matplotlib asks a tensor for its values.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
@pytest.mark.skipif(pytorch is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_gives_the_same_numbers(name: str) -> None:
    for here, there in zip(run(tinygrad_stab, SCRIPTS[name]), run(pytorch, SCRIPTS[name]), strict=True):
        if isinstance(there, (np.ndarray, float)):
            np.testing.assert_allclose(here, there, rtol=2e-4, atol=2e-5)
        else:
            assert here == there
