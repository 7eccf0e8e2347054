"""A record of a run in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

Record = TypeVar("Record")


class History(Generic[Record]):
    """Keeps at most `limit` of the records it is given, evenly spaced over the run so far; always the first.

    Full, it drops every second record, and from then on takes only every second of those that it took before.
    """

    def __init__(self, limit: int) -> None:
        if limit < 2:
            raise ValueError(f"a history needs room for 2 records or more, got {limit}")
        self.limit = limit
        self.stride = 1
        self._given = 0
        self._kept: list[Record] = []

    def add(self, record: Record) -> None:
        """Keep the record if it is its turn."""
        if self._given % self.stride == 0:
            if len(self._kept) == self.limit:
                self._kept = self._kept[::2]
                self.stride *= 2
            if self._given % self.stride == 0:
                self._kept.append(record)
        self._given += 1

    def __iter__(self) -> Iterator[Record]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, index: int) -> Record:
        return self._kept[index]


class Recorded(Protocol[Record]):
    """Whatever keeps a history of its own, as a monitor does: there is something to be drawn."""

    records: History[Record]
