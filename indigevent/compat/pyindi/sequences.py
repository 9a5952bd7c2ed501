"""PyIndi's sequences: len, an int as index, iteration; and nothing else, so that a script's mistake is seen."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Sequence(ABC, Generic[Item]):
    """What can be counted, indexed and iterated over, also while it changes."""

    def __len__(self) -> int:
        return len(self._items())

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items())

    def __getitem__(self, index: int) -> Item:
        if not isinstance(index, int):
            raise TypeError(f"{self.about()} is indexed by a number from 0, not by {index!r}")
        items = self._items()
        if not 0 <= index < len(items):
            raise IndexError(f"{self.about()} has no number {index}: it has {len(items)}, counted from 0")
        return items[index]

    @abstractmethod
    def _items(self) -> list[Item]: ...

    @abstractmethod
    def about(self) -> str:
        """Its name in sentences."""
