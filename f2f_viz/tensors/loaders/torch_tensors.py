"""Tensors of PyTorch as NumPy arrays."""

from typing import Any

from numpy.typing import NDArray

from f2f_viz.tensors.loaders.base import TensorInfo, checked_shape, native, storage_dtype

__all__ = ["tensor_array", "tensor_bytes", "tensor_info"]


def tensor_info(name: str, tensor: Any) -> TensorInfo:
    """Describe a torch.Tensor."""
    dtype = str(tensor.dtype).removeprefix("torch.")
    shape = checked_shape(tensor.shape, name, "a PyTorch tensor")
    return TensorInfo(name, shape, dtype, tensor.numel() * tensor.element_size())


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


def tensor_bytes(tensor: Any) -> bytes:
    """Return the bytes of a tensor that `tensor_array` has no numbers for, as they are stored.

    Of a sparse one its indices and values, of a quantized one its steps, of one without data none.
    """
    import torch

    tensor = tensor.detach()
    if tensor.is_meta:
        return b""
    if tensor.layout == torch.sparse_coo:
        parts = [tensor._indices(), tensor._values()]
    elif tensor.layout == torch.sparse_csr:
        parts = [tensor.crow_indices(), tensor.col_indices(), tensor.values()]
    else:
        parts = [tensor.int_repr() if tensor.is_quantized else tensor]
    flat = (part.cpu().contiguous().reshape(-1).view(torch.uint8) for part in parts)
    return b"".join(part.numpy().tobytes() for part in flat)
