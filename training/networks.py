"""The sample networks in PyTorch; `f2f_viz.samples` evaluates the same in NumPy."""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, relu, scaled_dot_product_attention

HEADS = 4


class Transformer(nn.Module):
    """One pre-norm block over 16 patches of 2 × 2 pixels."""

    def __init__(self, width: int = 128, hidden: int = 512) -> None:
        super().__init__()
        self.embed = nn.Linear(4, width)
        self.position = nn.Parameter(0.1 * torch.randn(16, width))
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.ffn1 = nn.Linear(width, hidden)
        self.ffn2 = nn.Linear(hidden, width)
        self.head = nn.Linear(width, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (count, 10) of images (count, 8, 8), values 0 to 16."""
        patches = images.view(-1, 4, 2, 4, 2).transpose(2, 3).reshape(-1, 16, 4) / 16
        x = self.embed(patches) + self.position
        width = x.shape[-1]
        qkv = self.qkv(self.norm1(x)).view(-1, 16, 3, HEADS, width // HEADS)
        mixed = scaled_dot_product_attention(*qkv.permute(2, 0, 3, 1, 4))
        x = x + self.proj(mixed.transpose(1, 2).reshape(-1, 16, width))
        x = x + self.ffn2(relu(self.ffn1(self.norm2(x))))
        return self.head(self.norm3(x.mean(1)))


class Residual(nn.Module):
    """Two 3 × 3 convolutions beside a shortcut (He et al. 2016, arXiv 1512.03385, section 4.2)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.grow = outputs - inputs

    def forward(self, x: Tensor) -> Tensor:
        """Return (count, outputs, height, width), halved where the channels grow."""
        y = relu(self.norm1(self.conv1(x)))
        # He's option A: every other pixel, and new channels of zeros
        short = pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.grow)) if self.grow else x
        return relu(self.norm2(self.conv2(y)) + short)


class ResNet(nn.Module):
    """A 3 × 3 convolution, one block of 32 channels at 8 × 8, one of 64 at 4 × 4."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 32, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(32)
        self.block1 = Residual(32, 32)
        self.block2 = Residual(32, 64)
        self.head = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (count, 10) of images (count, 8, 8), values 0 to 16."""
        x = relu(self.norm(self.stem(images.unsqueeze(1) / 16)))
        return self.head(self.block2(self.block1(x)).mean((2, 3)))


NETWORKS = {"transformer": Transformer, "resnet": ResNet}
