from collections.abc import AsyncIterator, Callable, Mapping

import pytest

from services.ingest.application.bookmarks import Bookmarks
from services.ingest.storage.bookmarks import PostgresBookmarks
from shared.kernel.errors import Unavailable
from shared.storage.database import Database


class FakeStore:
    def __init__(self) -> None:
        self.marks: dict[tuple[str, str], str] = {}
        self.away = False
        self.writes = 0

    async def all(self) -> Mapping[tuple[str, str], str]:
        if self.away:
            raise Unavailable("the database is away")
        return dict(self.marks)

    async def keep(self, marks: Mapping[tuple[str, str], str]) -> None:
        if self.away:
            raise Unavailable("the database is away")
        self.writes += 1
        self.marks |= marks


async def test_a_mark_is_told_again_after_a_new_start() -> None:
    store = FakeStore()
    before = Bookmarks(store)
    before.put("S1", "ATTLOG", "100")
    assert await before.of("S1", "ATTLOG") == "100"
    await before.write()
    assert await Bookmarks(store).of("S1", "ATTLOG") == "100"
    assert await Bookmarks(store).of("S2", "ATTLOG") == ""


async def test_marks_are_written_together_and_only_when_they_change() -> None:
    store = FakeStore()
    marks = Bookmarks(store)
    await marks.of("S1", "ATTLOG")
    for mark in ("1", "2", "9999"):
        marks.put("S1", "ATTLOG", mark)
    await marks.write()
    marks.put("S1", "ATTLOG", "9999")
    await marks.write()
    assert (store.marks, store.writes) == ({("S1", "ATTLOG"): "9999"}, 1)


async def test_with_storage_away_they_wait_and_the_latest_counts() -> None:
    store = FakeStore()
    marks = Bookmarks(store)
    store.away = True
    marks.put("S1", "ATTLOG", "1")
    with pytest.raises(Unavailable):
        await marks.write()
    with pytest.raises(Unavailable):
        await marks.of("S1", "ATTLOG")
    marks.put("S1", "ATTLOG", "2")
    store.away = False
    await marks.write()
    assert store.marks == {("S1", "ATTLOG"): "2"}


@pytest.mark.parametrize("mark", ["x" * 41, "a\0", "a\n"])
async def test_what_is_no_mark_is_passed_over(mark: str) -> None:
    marks = Bookmarks(FakeStore())
    marks.put("S1", "ATTLOG", mark)
    assert await marks.of("S1", "ATTLOG") == ""


@pytest.fixture
async def store(migrated: Callable[..., str]) -> AsyncIterator[PostgresBookmarks]:
    database = Database(migrated("ingest"), schema="ingest")
    yield PostgresBookmarks(database)
    await database.close()


async def test_postgresql_keeps_the_latest_of_each_log(store: PostgresBookmarks) -> None:
    await store.keep({("S1", "ATTLOG"): "1", ("S1", "OPERLOG"): "7"})
    await store.keep({("S1", "ATTLOG"): "2"})
    assert await store.all() == {("S1", "ATTLOG"): "2", ("S1", "OPERLOG"): "7"}
