"""What is the matter with a machine that is in contact all the same."""

from collections.abc import Sequence


class Alarms:
    """Warnings of one contact after the other: shown while they hold, news once.

    A warning ends with its contact. Said again in the next one that comes about, it is the same warning and no news;
    not said there, it is forgotten and will be news again.
    """

    __slots__ = ("_held", "_published", "_said")

    def __init__(self) -> None:
        self._held: dict[str, str] = {}
        self._said: set[str] = set()
        self._published: set[str] = set()

    @property
    def sentences(self) -> tuple[str, ...]:
        """Those that hold, in the order in which they were first said."""
        return tuple(self._held.values())

    def holds(self, about: str) -> bool:
        """Whether there is one in this matter."""
        return about in self._held

    def sentence_of(self, about: str) -> str:
        """The one in this matter, if it holds."""
        return self._held.get(about, "")

    def say(self, about: str, sentence: str) -> None:
        """It holds from now on, or with other figures."""
        self._held[about] = sentence
        self._said.add(about)

    def settle(self, about: str) -> bool:
        """It holds no more; False where it did not."""
        self._published.discard(about)
        return self._held.pop(about, None) is not None

    def news(self) -> Sequence[str]:
        """Those that nobody has been told of; they count as told now."""
        news = [sentence for about, sentence in self._held.items() if about not in self._published]
        self._published.update(self._held)
        return news

    def begin(self) -> None:
        """Another contact is attempted; where none was lost in between, what held holds on until its end."""
        self._said.clear()

    def end(self) -> None:
        """A contact that had come about is over."""
        self._held = {about: sentence for about, sentence in self._held.items() if about in self._said}
        self._published.intersection_update(self._held)

    def lose(self) -> None:
        """Contact is lost: nothing is known to hold."""
        self._held.clear()
