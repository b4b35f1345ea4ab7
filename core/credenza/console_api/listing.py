"""What of a table is shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from ..protocol.names import in_lower
from .routes import ConsoleVisit

MOST_PAGES = 100_000  # of a list; a larger number in an address is somebody's joke


@dataclass(frozen=True, slots=True)
class Listing:
    """What of a table is shown: searched, sorted, and cut into pages; all of it is in the address."""

    address: str
    search: str = ""
    order: str = ""
    descending: bool = False
    page: int = 1
    size: int = 25
    total: int = 0
    more: bool = False
    """Whether there are more than `total`, which nobody counted."""
    filters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, visit: ConsoleVisit, orders: Sequence[str] = (), *, size: int = 25, filters: Sequence[str] = ()
    ) -> Listing:
        """Read it from the query string: `q`, `sort` ("name", or "-name" for descending) and `page`.

        The first of `orders` is the usual one, and anything that makes no sense is as if it were not there.
        """
        query = visit.query
        sort = query.get("sort", "")
        order = sort.removeprefix("-")
        if order not in orders:
            sort = orders[0] if orders else ""
            order = sort.removeprefix("-")
        number = query.get("page", "1")
        page = min(int(number), MOST_PAGES) if number.isascii() and number.isdecimal() and len(number) < 9 else 1
        return cls(
            visit.request.url.path,
            search=query.get("q", "").strip()[:200],
            order=order,
            descending=sort.startswith("-"),
            page=max(page, 1),
            size=size,
            filters={name: text for name in filters if (text := query.get(name, "").strip()[:200])},
        )

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.size

    async def counted(self, found: Sized, count: Callable[[], Awaitable[int]], *, most: int = 0) -> Listing:
        """With how many there are in all: asked for only when `found`, this page of them, is not the last one.

        To count what a search finds takes as long as to look at everybody. A `count` that ends early answers with a
        number above `most` when there are more; only one thing more than the page in `found` then says whether another
        page follows.
        """
        asked = self.size + bool(most)
        if len(found) < asked and (found or not self.offset):
            return replace(self, total=self.offset + len(found))
        total = await count()
        if not most or total <= most:
            return replace(self, total=total)
        return replace(self, total=max(most, self.offset + self.size) if found else most, more=bool(found))

    def finds(self, *texts: str) -> bool:
        """Whether each word of the search is in one of the texts, as `lists.called` asks the database."""
        return all(any(word in in_lower(text) for text in texts) for word in in_lower(self.search).split())

    @property
    def narrowed(self) -> bool:
        return bool(self.search or self.filters)

    @property
    def shown(self) -> str:
        """ "26-50 of 1,204"."""
        first, last = self.offset + 1, min(self.offset + self.size, self.total)
        if not (last > self.size or first > 1 or last < self.total):
            return ""
        return f"{first:,}-{last:,} of {'more than ' if self.more else ''}{self.total:,}"

    @property
    def gone(self) -> bool:
        """Whether it is a page after the last one, as when something was deleted meanwhile; `first` leads back."""
        return self.page > 1 and self.offset >= self.total

    @property
    def first(self) -> str:
        return self._link()

    @property
    def last(self) -> str:
        return self._link(page=max(-(-self.total // self.size), 1))

    @property
    def here(self) -> str:
        return self._link(page=self.page)

    @property
    def query(self) -> str:
        """How `here` ends. A page about one thing of the list has it in its own address, to lead back with."""
        return self.here.removeprefix(self.address)

    @property
    def sort(self) -> str:
        """As it stands in the address."""
        return f"-{self.order}" if self.descending else self.order

    @property
    def before(self) -> str:
        return self._link(page=self.page - 1) if self.page > 1 else ""

    @property
    def after(self) -> str:
        return self._link(page=self.page + 1) if self.more or self.offset + self.size < self.total else ""

    def sort_link(self, order: str) -> str:
        """By another column; by the same one the other way round."""
        turned = order == self.order and not self.descending
        return self._link(sort=f"-{order}" if turned else order)

    def direction(self, order: str) -> str:
        """The value of `aria-sort`."""
        if order != self.order:
            return "none"
        return "descending" if self.descending else "ascending"

    def _link(self, *, page: int = 1, sort: str = "") -> str:
        wanted = {"q": self.search, **self.filters, "sort": sort or self.sort, "page": str(page) if page > 1 else ""}
        query = urlencode({name: value for name, value in wanted.items() if value})
        return f"{self.address}?{query}" if query else self.address
