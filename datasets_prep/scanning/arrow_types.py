"""What a pyarrow type is good for."""

from typing import Any


def is_bytes(sort: Any) -> bool:
    """Whether it is one of bytes."""
    from pyarrow import types

    tests = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary, types.is_binary_view)
    return any(test(sort) for test in tests)


def is_text(sort: Any) -> bool:
    """Whether it is one of text, or of numbers that stand for some."""
    from pyarrow import types

    if types.is_dictionary(sort):
        return is_text(sort.value_type)
    return any(test(sort) for test in (types.is_string, types.is_large_string, types.is_string_view))


def is_struct(sort: Any) -> bool:
    """Whether it has fields."""
    from pyarrow import types

    return bool(types.is_struct(sort))


def is_name(sort: Any) -> bool:
    """Whether it can name a sample: text or whole numbers."""
    from pyarrow import types

    return is_text(sort) or bool(types.is_integer(sort))


def is_label(sort: Any) -> bool:
    """Whether it can name or number a class."""
    from pyarrow import types

    return is_name(sort) or bool(types.is_boolean(sort))
