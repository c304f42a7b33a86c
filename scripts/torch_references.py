"""What PyTorch makes of each case: a function of the inputs, the parameters and the engine's own values
(for the draws of dropout) gives the outputs. `REFERENCES` has them by name."""

import torch
from torch.nn import functional as F

NONE = 2**32 - 1  # The index of no row.
LEAST = -1e30


def known(indices):
    """Indices with 0 for none, and 1 or 0 for whether there is one."""
    there = indices != NONE
    return torch.where(there, indices, 0), there


def unary(f):
    return lambda x, p, ours: [f(x["x"])]


def binary(f):
    return lambda x, p, ours: [f(x["x"], x["y"])]


def truth(condition, like):
    return condition.to(like.dtype)


def chain(x, p, ours):
    gate = torch.sigmoid(x["x"] * x["y"] + x["z"])
    return [torch.exp(gate * torch.tanh(x["x"]) - 0.1 * x["y"] ** 2)]


def concat(x, p, ours):
    return [torch.cat([x["a"], x["b"], x["c"]], p["axis"])]


def tiles(x, p, ours):
    return [torch.tanh(x["x"][:, 0:4]), x["x"][:, 6:11] ** 2]


def part(x, p, ours):
    return [x["x"].narrow(p["axis"], p["start"], p["end"] - p["start"])]


def cross_entropy(x, p, ours):
    targets, there = known(x["targets"])
    classes = x["x"].shape[-1]
    costs = F.cross_entropy(
        x["x"].reshape(-1, classes), targets.reshape(-1), reduction="none"
    ).reshape(targets.shape)
    return [costs * there]


def pick(x, p, ours):
    indices, there = known(x["indices"])
    return [x["x"].gather(-1, indices[..., None])[..., 0] * there]


def take(x, p, ours):
    indices, there = known(x["indices"])
    return [x["x"].gather(-1, indices) * there]


def top_k(x, p, ours):
    values, places = x["x"].topk(p["count"], -1)
    return [values, places]


def bag(indices, padding):
    indices, there = known(indices)
    return indices, there if padding is None else there & (indices != padding)


def gathered(table, indices):
    indices, there = known(indices)
    return F.embedding(indices, table) * there[..., None]


def bagged(table, indices, padding):
    # `embedding_bag` of PyTorch has no second derivative.
    indices, there = bag(indices, padding)
    return (F.embedding(indices, table) * there[..., None]).sum(-2)


def added(rows, indices, there, count):
    """Rows added into a table of `count` rows at indices of their leading axes."""
    table = torch.zeros(count, rows.shape[-1], dtype=rows.dtype)
    rows = (rows * there[..., None]).reshape(-1, rows.shape[-1])
    return table.index_add(0, indices.reshape(-1), rows)


def scatter_add(x, p, ours):
    return [added(x["rows"], *known(x["indices"]), p["rows"])]


def scatter_add_bag(x, p, ours):
    indices, there = bag(x["indices"], p["padding"])
    rows = x["rows"][..., None, :].expand(*indices.shape, x["rows"].shape[-1])
    return [added(rows, indices, there, p["rows"])]


def row_sparse(x, p, ours):
    table, padding = x["table"], p["padding"]
    if not table.requires_grad:
        table = table.detach().requires_grad_()
    loss = (gathered(table, x["indices"]) ** 2 * x["u"]).sum()
    loss = loss + (bagged(table, x["bags"], padding) ** 2 * x["v"]).sum()
    (gradient,) = torch.autograd.grad(loss, table, create_graph=True)
    all_bags = x["bags"].reshape(-1)
    read = torch.cat([x["indices"].reshape(-1), all_bags[all_bags != padding]])
    unique = torch.unique(read[read != NONE])
    blank = x["indices"].numel() + all_bags.numel() - unique.numel()
    rows = F.pad(gradient[unique], (0, 0, 0, blank))
    return [rows, F.pad(unique, (0, blank), value=NONE)]


def matmul(x, p, ours):
    a = x["a"].T if p["turned"][0] else x["a"]
    b = x["b"].T if p["turned"][1] else x["b"]
    return [a @ b]


def linear(x, p, ours):
    return [F.linear(x["x"], x["w"].T, x.get("b"))]


def symmetric(a):
    return (a + a.mT) / 2


def triangular_solve(x, p, ours):
    lower = torch.tril(x["l"])
    if p["transposed"]:
        return [torch.linalg.solve_triangular(lower.mT, x["b"], upper=True)]
    return [torch.linalg.solve_triangular(lower, x["b"], upper=False)]


def convolved(x, p, bias=None):
    shape = {name: p[name] for name in ("stride", "padding", "dilation", "groups")}
    return F.conv2d(x["x"], x["w"], bias, **shape)


def conv2d_transposed(x, p, ours):
    sides = range(2)
    stride, padding, dilation = p["stride"], p["padding"], p["dilation"]
    reach = [dilation[i] * (x["w"].shape[2 + i] - 1) + 1 for i in sides]
    least = [(x["x"].shape[2 + i] - 1) * stride[i] - 2 * padding[i] + reach[i] for i in sides]
    rest = [p["extent"][i] - least[i] for i in sides]
    return [
        F.conv_transpose2d(
            x["x"], x["w"], None, stride, padding, rest, p["groups"], dilation
        )
    ]


def pooled(f):
    return lambda x, p, ours: [f(x["x"], p["kernel"], p["stride"], p["padding"])]


def dropout(x, p, ours):
    # The engine's draw, seen on ones. How often it drops is compared with the rate: 5 deviations.
    kept = ours[1] != 0
    rate = p["rate"]
    deviation = (rate * (1 - rate) / kept.numel()) ** 0.5
    dropped = 1 - kept.double().mean().item()
    if abs(dropped - rate) > 5 * deviation:
        raise ValueError(f"dropped {dropped} where the rate is {rate}")
    scale = kept.to(x["x"].dtype) / (1 - rate)
    return [x["x"] * scale, scale]


def masked_softmax(energies, mask):
    if mask is None:
        return energies.softmax(-1)
    return torch.where(mask > 0, energies, LEAST).softmax(-1) * mask


def attended(energies, x, values):
    mask = x.get("mask")
    weights = masked_softmax(energies, None if mask is None else mask[:, None, :])
    return [weights @ values, weights]


def dot_attention(x, p, ours):
    return attended(x["queries"] @ x["keys"].mT, x, x["values"])


def additive_attention(x, p, ours):
    matched = torch.tanh(x["queries"][:, :, None, :] + x["keys"][:, None, :, :])
    return attended(matched @ x["score"], x, x["values"])


def layer(x, p, cell):
    """A layer that PyTorch has: no masks and no attention; the input is multiplied already."""
    time = [0] if p["reverse"] else []
    gates = x["input"].shape[-1]
    weights = [torch.eye(gates, dtype=x["input"].dtype), x["weight"].T]
    state = x["state"][None]
    options = (False, 1, 0.0, True, False, False)
    # Other implementations have no second derivative.
    with torch.backends.mkldnn.flags(enabled=False):
        if cell is lstm_cell:
            states, last, memory = torch.lstm(
                x["input"].flip(time), (state, x["memory"][None]), weights, *options
            )
            return [states.flip(time), last[0], memory[0]]
        states, last = torch.gru(x["input"].flip(time), state, weights, *options)
        return [states.flip(time), last[0]]


def lstm_cell(z, weight, state, memory):
    i, f, g, o = (z + state @ weight).chunk(4, -1)
    memory = torch.sigmoid(f) * memory + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(memory), memory


def gru_cell(z, weight, state, memory):
    (zr, zu, zn), (hr, hu, hn) = z.chunk(3, -1), (state @ weight).chunk(3, -1)
    r, u = torch.sigmoid(zr + hr), torch.sigmoid(zu + hu)
    return (1 - u) * torch.tanh(zn + r * hn) + u * state, None


def recurrence(cell):
    def run(x, p, ours):
        if "mask" not in x and "keys" not in x:
            return layer(x, p, cell)
        state, memory = x["state"], x.get("memory")
        steps = range(x["input"].shape[0])
        states, contexts, weights = {}, {}, {}
        for t in reversed(steps) if p["reverse"] else steps:
            z = x["input"][t]
            if "keys" in x:
                matched = torch.tanh((state @ x["query"])[:, None, :] + x["keys"])
                weights[t] = masked_softmax(matched @ x["score"], x.get("places"))
                contexts[t] = (weights[t][:, None, :] @ x["values"])[:, 0]
                z = z + contexts[t] @ x["context_weight"]
            new, changed = cell(z, x["weight"], state, memory)
            if "mask" in x:
                taken = x["mask"][t][:, None] > 0
                new = torch.where(taken, new, state)
                changed = None if memory is None else torch.where(taken, changed, memory)
            state, memory = new, changed
            states[t] = state
        parts = [states] + ([contexts, weights] if contexts else [])
        states, *more = [torch.stack([part[t] for t in steps]) for part in parts]
        return [states, state, *([] if memory is None else [memory]), *more]

    return run


def reduced(f):
    return lambda x, p, ours: [f(x["x"], dim=p["axes"], keepdim=p["keep"])]


def along(f, **more):
    return lambda x, p, ours: [f(x["x"], dim=p["axis"], **more)]


REFERENCES = {
    "neg": unary(torch.neg),
    "exp": unary(torch.exp),
    "log": unary(torch.log),
    "sqrt": unary(torch.sqrt),
    "tanh": unary(torch.tanh),
    "sigmoid": unary(torch.sigmoid),
    "relu": unary(torch.relu),
    "square": unary(torch.square),
    "step": unary(lambda x: truth(x > 0, x)),
    "copy": unary(torch.clone),
    "powf": lambda x, p, ours: [x["x"] ** p["value"]],
    "add_scalar": lambda x, p, ours: [x["x"] + p["value"]],
    "mul_scalar": lambda x, p, ours: [x["x"] * p["value"]],
    "add": binary(torch.add),
    "sub": binary(torch.sub),
    "mul": binary(torch.mul),
    "div": binary(torch.div),
    "maximum": binary(torch.maximum),
    "pow": binary(torch.pow),
    "greater": binary(lambda x, y: truth(x > y, x)),
    "equal": binary(lambda x, y: truth(x == y, x)),
    "chain": chain,
    "reshape": lambda x, p, ours: [x["x"].reshape(p["shape"])],
    "reshape_transposed": lambda x, p, ours: [x["x"].T.reshape(p["shape"])],
    "broadcast_to": lambda x, p, ours: [x["x"].expand(p["shape"])],
    "stop_gradient": unary(lambda x: x * torch.tanh(x).detach()),
    "transpose": lambda x, p, ours: [x["x"].transpose(*p["axes"])],
    "slice": part,
    "tiles": tiles,
    "concat": concat,
    "sum": reduced(torch.sum),
    "mean": reduced(torch.mean),
    "max": reduced(torch.amax),
    "sum_all": unary(torch.sum),
    "mean_all": unary(torch.mean),
    "softmax": along(torch.softmax),
    "log_softmax": along(torch.log_softmax),
    "log_sum_exp": along(torch.logsumexp),
    "log_sum_exp_kept": along(torch.logsumexp, keepdim=True),
    "masked_softmax": lambda x, p, ours: [masked_softmax(x["x"], x["mask"])],
    "cross_entropy": cross_entropy,
    "pick": pick,
    "layer_norm": lambda x, p, ours: [
        F.layer_norm(x["x"], x["x"].shape[-1:], eps=p["epsilon"])
    ],
    "batch_norm": lambda x, p, ours: [
        F.batch_norm(x["x"], None, None, training=True, eps=p["epsilon"])
    ],
    "gather": lambda x, p, ours: [gathered(x["table"], x["indices"])],
    "scatter_add": scatter_add,
    "embedding_bag": lambda x, p, ours: [bagged(x["table"], x["indices"], p["padding"])],
    "scatter_add_bag": scatter_add_bag,
    "row_sparse": row_sparse,
    "top_k": top_k,
    "take": take,
    "matmul": matmul,
    "product_and_sum": lambda x, p, ours: [x["a"] @ x["b"] + x["c"]],
    "layers": lambda x, p, ours: [torch.tanh(torch.tanh(x["x"] @ x["w"]) @ x["w"])],
    "linear": linear,
    "gram": unary(lambda x: x @ x.mT),
    "cholesky": lambda x, p, ours: [torch.linalg.cholesky(symmetric(x["a"]))],
    "solve": lambda x, p, ours: [torch.linalg.solve(symmetric(x["a"]), x["b"])],
    "triangular_solve": triangular_solve,
    "conv2d": lambda x, p, ours: [convolved(x, p)],
    "conv2d_relu": lambda x, p, ours: [torch.relu(convolved(x, p, x.get("b")))],
    "conv2d_transposed": conv2d_transposed,
    "avg_pool2d": pooled(F.avg_pool2d),
    "max_pool2d": pooled(F.max_pool2d),
    "local_response_norm": lambda x, p, ours: [
        F.local_response_norm(x["x"], p["size"], p["alpha"], p["beta"], p["k"])
    ],
    "dropout": dropout,
    "lstm": recurrence(lstm_cell),
    "gru": recurrence(gru_cell),
    "dot_attention": dot_attention,
    "additive_attention": additive_attention,
}
