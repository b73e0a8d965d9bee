"""What the importers of other frameworks' graphs share: tensors with their whole shapes, written as a `Network`.

`writer` keeps track of tensors and layouts; `products`, `windows`, `movement` and `recurrent` write operators.
"""

from .writer import GraphWriter, Tensor

__all__ = ["GraphWriter", "Tensor"]
