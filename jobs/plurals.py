"""Counts in English sentences, with the noun and the verb that agree with them.

A sentence that is translated is a template in which a count chooses the words after it:
``{count:,} {count:pair is|pairs are} missing``. Its Chinese twin has no such field, because Chinese
has no plural.
"""

from __future__ import annotations

__all__ = ["Quantity", "counted", "filled"]


class Quantity(int):
    """A count that chooses between two words: ``f"{Quantity(1):pair is|pairs are}"``."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        """Return the number by a usual format, or one of the two words that a ``|`` separates."""
        one, separator, many = spec.partition("|")
        if not separator:
            return super().__format__(spec)
        return one if self == 1 else many


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return a count and its noun, such as ``1 pair`` and ``1,000 pairs``.

    Args:
        count: How many there are.
        one: The noun in the singular.
        many: The noun in the plural, if it is not the singular with an s.
    """
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def filled(template: str, **values: object) -> str:
    """Return a template with its values; each whole number is a :class:`Quantity`."""
    return template.format(
        **{name: Quantity(value) if type(value) is int else value for name, value in values.items()}
    )
