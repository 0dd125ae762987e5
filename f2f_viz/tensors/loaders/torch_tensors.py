"""Tensors of PyTorch as NumPy arrays."""

from typing import Any

from numpy.typing import NDArray

from f2f_viz.tensors.loaders.base import TensorInfo, native, storage_dtype

__all__ = ["tensor_array", "tensor_info"]


def tensor_info(name: str, tensor: Any) -> TensorInfo:
    """Describe a torch.Tensor."""
    dtype = str(tensor.dtype).removeprefix("torch.")
    return TensorInfo(name, tuple(tensor.shape), dtype, tensor.numel() * tensor.element_size())


def tensor_array(tensor: Any) -> NDArray[Any]:
    """Return the numbers of a torch.Tensor, dense or sparse, of any strides and device.

    Returns
    -------
    ndarray, the tensor's shape
        C-ordered and little-endian; 16- and 8-bit floats by ml_dtypes.
    """
    import torch  # whoever has a tensor has it

    dtype = storage_dtype(str(tensor.dtype).removeprefix("torch."))
    tensor = tensor.detach()
    dense = tensor if tensor.layout == torch.strided else tensor.to_dense()
    plain = dense.cpu().resolve_conj().resolve_neg().contiguous()
    octets = plain.reshape(-1).view(torch.uint8).numpy()
    return native(octets.view(dtype).reshape(tuple(plain.shape)))
