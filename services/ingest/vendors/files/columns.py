"""Which column of a table is what: as somebody says, else by the names that programs usually give them. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shared.kernel.errors import Malformed, sentence

KINDS: Final = ("badge", "time", "date", "in", "out", "state", "verify", "work_code")
"""What a column may be. `time` is a date and time, or a time beside a `date`; `in` and `out` are times of that kind."""
_SEVERAL: Final = ("time", "in", "out")
"""Of these there may be more than one: each filled cell is a scan."""
_PUNCHES: Final = ("time", "in", "out")

_NAMES: Final[Mapping[str, str]] = {
    "badge": "badge badgeno badgenumber badgeid badgecode acno acnumber enno enrollno enrolno enrollnumber enrollid"
    " enrolmentno enrollmentno pin userpin pincode userid useridno userno usernumber usercode personid personno"
    " personcode employeeid employeeno employeenumber employeecode empid empno empcode staffid staffno staffcode"
    " attendanceno attendanceid jobno jobnumber workerid matricula legajo matricule personalnummer ausweis nik noid"
    " 工号 考勤号码 登记号码 人员编号 用户编号 uid",
    "stamp": "datetime dateandtime timedate datetimestamp timestamp punchdatetime checkdatetime scandatetime"
    " eventdatetime logdatetime recorddatetime attendancedatetime attdatetime transactiondatetime swipedatetime"
    " fechahora datahora dateheure datumzeit datumuhrzeit tanggalwaktu 日期时间 考勤时间 打卡时间",
    "time": "time punchtime punch checktime scantime scan eventtime logtime recordtime attendancetime atttime"
    " transactiontime swipetime devicetime localtime clocktime clocking hora heure uhrzeit zeit jam waktu 时间",
    "date": "date attendancedate attdate workdate punchdate checkdate scandate eventdate logdate recorddate"
    " transactiondate swipedate day fecha data datum tanggal 日期 考勤日期",
    "in": "in timein intime clockin clockintime checkin checkintime punchin signin arrival arrivaltime firstin entry"
    " entrytime entrada masuk 上班 签到",
    "out": "out timeout outtime clockout clockouttime checkout checkouttime punchout signout departure departuretime"
    " lastout exit exittime salida saida keluar pulang 下班 签退",
    "state": "state status inout io iomd direction checktype punchtype punchstate eventtype attstate attendancestate"
    " inoutmode inoutstate functionkey function type tipo estado 状态 考勤状态",
    "verify": "verify verifycode verifymode verifytype verified verification verificationmode method 验证方式",
    "work_code": "workcode",
    # A badge, where nothing better is there: these may as well be the number of the row, or somebody's name.
    "weak": "no number id idno idnumber cardno cardnumber cardid card code tarjeta 编号 卡号 user employee",
}
_RANKS: Final = {kind: {name: rank for rank, name in enumerate(names.split())} for kind, names in _NAMES.items()}
_PAIR: Final = re.compile(r"""\s*([^=,]+?)\s*=\s*("(?:[^"]|"")*"|'[^']*'|[^,]*?)\s*(?:,|$)""")


@dataclass(frozen=True, slots=True)
class Column:
    """One that is read."""

    kind: str
    place: int
    """From 0."""
    name: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is in a row."""

    columns: tuple[Column, ...]
    header: tuple[str, ...]
    """The cells of the header, or none where there is none."""

    def of(self, kind: str) -> tuple[Column, ...]:
        """The columns of a kind."""
        return tuple(column for column in self.columns if column.kind == kind)

    @property
    def ignored(self) -> Sequence[str]:
        """The names of the columns that are not read."""
        used = {column.place for column in self.columns}
        return [name for place, name in enumerate(self.header) if name and place not in used]


class Columns:
    """What somebody says of the columns."""

    def __init__(self, said: str | None = None) -> None:
        """`said`: see `FileForm.columns`.

        Raises:
            Malformed: it cannot be understood.
        """
        self._said = _said(said or "")

    @property
    def said(self) -> bool:
        """Whether anything was."""
        return bool(self._said)

    @property
    def by_number(self) -> bool:
        """All columns are said by number: there is no need of a header."""
        return self.said and all(name.isdecimal() for _, name in self._said)

    def numbered(self) -> Layout:
        """The layout that the numbers give, without a header."""
        columns = tuple(Column(kind, int(name) - 1, f"column {name}") for kind, name in self._said)
        _check(columns)
        return Layout(columns, ())

    def layout(self, cells: Sequence[str], below: Sequence[Sequence[str]]) -> Layout | None:
        """The layout, if this row is the header; `below` are some of the rows under it.

        Raises:
            Malformed: it is, and leaves open which column is the badge.
        """
        names = [cell.strip() for cell in cells]
        if sum(bool(name) for name in names) < 2:
            return None
        columns: list[Column] = []
        for kind, wanted in self._said:
            places = [place for place, name in enumerate(names) if same(name) == same(wanted)]
            if not places and wanted.isdecimal() and 0 < int(wanted) <= len(names):
                places = [int(wanted) - 1]
            if not places:
                return None
            columns += [Column(kind, place, names[place]) for place in (places if kind in _SEVERAL else places[:1])]
        columns += self._guessed(names, {column.kind for column in columns}, {column.place for column in columns})
        if not any(column.kind in _PUNCHES or column.kind == "date" for column in columns):
            return None
        if not any(column.kind == "badge" for column in columns):
            badge = self._weak_badge(names, {column.place for column in columns}, below)
            if badge is None:
                return None
            columns.append(badge)
        if not any(column.kind in _PUNCHES for column in columns):  # a date alone may well have its time with it
            columns = [Column("time", c.place, c.name) if c.kind == "date" else c for c in columns]
        return Layout(tuple(sorted(columns, key=lambda column: column.place)), tuple(names))

    def lacking(self, cells: Sequence[str]) -> str:
        """What these cells lack to be a header that `layout` knows, in a sentence; nothing where they look unlike."""
        names = [cell.strip() for cell in cells]
        known = self._guessed(names, set(), set())
        kinds = {column.kind for column in known}
        wanted = {"badge"} if kinds & {*_PUNCHES, "date"} else {"time"}
        if self.said or wanted <= kinds or not kinds & {*_PUNCHES, "date", "badge"} or sum(map(bool, names)) < 2:
            return ""
        (kind,) = wanted
        taken = {column.place for column in known}
        others = [repr(name[:40]) for place, name in enumerate(names[:20]) if name and place not in taken]
        which = f" (not known: {', '.join(others)})" if others else ""
        return f"looks like a header; no column is known as the {kind}: say columns={kind}=…{which}"

    def _guessed(self, names: Sequence[str], said: set[str], taken: set[int]) -> list[Column]:
        found = {
            kind: sorted(
                (ranks[plain], place)
                for place, name in enumerate(names)
                if place not in taken and (plain := _plain(name, kind)) in ranks
            )
            for kind, ranks in _RANKS.items()
        }
        if said & set(_PUNCHES):
            wanted = {"date"}
        elif found["stamp"]:
            wanted = {"stamp"}
        elif found["in"] or found["out"]:
            wanted = {"in", "out", "date"}
        else:
            wanted = {"time", "date"}
        wanted |= {"badge", "state", "verify", "work_code"}
        columns = []
        for kind in sorted(wanted - said):
            places = [place for _, place in found[kind]]
            several = kind in _SEVERAL
            called = "time" if kind == "stamp" else kind
            columns += [Column(called, place, names[place]) for place in (places if several else places[:1])]
        return columns

    def _weak_badge(self, names: Sequence[str], taken: set[int], below: Sequence[Sequence[str]]) -> Column | None:
        weak = [
            place for place, name in enumerate(names) if place not in taken and _plain(name, "badge") in _RANKS["weak"]
        ]
        if len(weak) > 1:
            weak = [place for place in weak if any(len(row) > place and row[place].strip() for row in below)] or weak
        if len(weak) > 1:
            which = " or ".join(repr(names[place]) for place in weak)
            raise Malformed(
                f"the badge may be in the column {which}: say columns=badge=…",
                fields={"columns": "the badge is unclear"},
            )
        return Column("badge", weak[0], names[weak[0]]) if weak else None


def same(name: str) -> str:
    """A name without what people leave out or add: `AC-No.` and `ac no` are the same."""
    return re.sub(r"[\W_]+", "", name.lower())


def pairs(text: str, *, parameter: str) -> list[tuple[str, str]]:
    """`a=b,c="d, e"` as pairs.

    Raises:
        Malformed: it is none of these; names the parameter.
    """
    found, place = [], 0
    while place < len(text):
        match = _PAIR.match(text, place)
        value = match and match[2].strip()
        if match is None or not value or match.end() == place:
            raise Malformed(
                f'{parameter} is a list such as a=b,c="d, e"; it cannot be read from {text[place : place + 40]!r} on',
                fields={parameter: "cannot be read"},
            )
        if value[0] == value[-1] and value[0] in "\"'" and len(value) > 1:
            value = value[1:-1].replace('""', '"')
        found.append((match[1], value))
        place = match.end()
    return found


def _said(text: str) -> list[tuple[str, str]]:
    found = pairs(text, parameter="columns")
    for kind, name in found:
        if kind not in KINDS:
            raise Malformed(
                f"columns: {kind!r} is nothing that is read from a column; that is {sentence(list(KINDS))}",
                fields={"columns": f"{kind!r} is unknown"},
            )
        if name.isdecimal() and not 1 <= int(name) <= 16_384:
            raise Malformed("columns: they are numbered from 1", fields={"columns": f"{name} is no column"})
    for kind in set(KINDS) - set(_SEVERAL):
        if sum(each == kind for each, _ in found) > 1:
            raise Malformed(f"columns: there can be only one {kind}", fields={"columns": f"more than one {kind}"})
    return found


def _check(columns: Sequence[Column]) -> None:
    kinds = {column.kind for column in columns}
    if "badge" not in kinds or not kinds & set(_PUNCHES):
        raise Malformed(
            "columns that are said by number need the badge and a time: columns=badge=1,time=2",
            fields={"columns": "badge and time are needed"},
        )


def _plain(name: str, kind: str) -> str:
    plain = same(name)
    return plain.rstrip("0123456789") if kind in _SEVERAL else plain
