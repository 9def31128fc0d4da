"""Optimisers that PyTorch lacks, from the equations of their papers alone. Parameters of one dimension are biases, and scales and
shifts of norms: they do not decay, and their steps are not brought to a length."""
import torch


class Lars(torch.optim.Optimizer):
    """You, Gitman and Ginsburg, Large Batch Training of Convolutional Networks (arXiv:1708.03888), algorithm 1: the velocity takes
    rate times local rate times (gradient + decay weight), the local rate being trust |w| / (|gradient| + decay |w|) (eq. 6)."""

    def __init__(self, parameters, lr, momentum=0.9, trust=0.001, decay=0.0):
        super().__init__(parameters, dict(lr=lr, momentum=momentum, trust=trust, decay=decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for w in group["params"]:
                adapts = w.dim() > 1 or group.get("adapts", False)
                decay = group["decay"] if adapts else 0
                local = 1
                if adapts:
                    local = group["trust"] * w.norm() / (w.grad.norm() + decay * w.norm())
                velocity = self.state[w].setdefault("velocity", torch.zeros_like(w))
                velocity.copy_(group["momentum"] * velocity + group["lr"] * local * (w.grad + decay * w))
                w -= velocity


class Lamb(torch.optim.Optimizer):
    """You et al., Large Batch Optimization for Deep Learning (ICLR 2020), algorithm 2: a direction r like that of Adam plus decay
    times the weight, of the length of the weight."""

    def __init__(self, parameters, lr, betas=(0.9, 0.999), eps=1e-6, decay=0.01):
        super().__init__(parameters, dict(lr=lr, betas=betas, eps=eps, decay=decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for w in group["params"]:
                adapts = w.dim() > 1 or group.get("adapts", False)
                state = self.state[w]
                if not state:
                    state.update(t=0, m=torch.zeros_like(w), v=torch.zeros_like(w))
                state["t"] += 1
                state["m"] = b1 * state["m"] + (1 - b1) * w.grad
                state["v"] = b2 * state["v"] + (1 - b2) * w.grad**2
                mean, square = state["m"] / (1 - b1 ** state["t"]), state["v"] / (1 - b2 ** state["t"])
                direction = mean / (square.sqrt() + group["eps"])
                if adapts:
                    direction = direction + group["decay"] * w
                    direction = direction * (w.norm() / direction.norm())
                w -= group["lr"] * direction


def shrink(optimizer, decay):
    """Decay beside the step (Loshchilov and Hutter, ICLR 2019, algorithm 1): to be called before it."""
    with torch.no_grad():
        for group in optimizer.param_groups:
            for w in group["params"]:
                w *= 1 - group["lr"] * decay
