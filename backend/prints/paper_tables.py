"""物品与样品: samples with their tests, goods sealed or seized, lots that were weighed."""

from backend.prints.facts import Facts
from backend.prints.paper_items import Reader
from sync import net_content, sampling
from sync.particulars import Lot, Sample, Shown, Tested
from sync.refusals import Refused

Table = dict[str, object]
WIDE = {
    "tests": 2,
    "contents": 2,
    "number": 1.8,
    "judged": 1.2,
}  # columns that need more room than the others


def tables(facts: Facts, say: Reader) -> list[Table]:
    """Arrange samples, seizures and lots for the record, those that there are."""
    w = say.w
    samples = [
        [
            one.number,
            _struck(one, one.what, say),
            _amount(one.quantity, one.unit),
            one.batch,
            "; ".join(_test(test, say) for test in facts.told(one.tests)),
            say.pick(sampling.WORDS[sampling.standing(one)]),
            _disposals(facts, one, say),
        ]
        for one in facts.told(facts.state.samples)
    ]
    seizures = [
        [
            _struck(one, one.what, say),
            _amount(one.quantity, one.unit),
            w.get(one.measure, one.measure),
            one.owner,
            one.place,
            one.number,
        ]
        for one in facts.told(facts.state.seizures)
    ]
    found = [
        _table(say, "samples", "number what quantity batch tests judged disposal", samples),
        _table(say, "seizures", "what quantity measure owner taken_at number", seizures),
    ]
    return [one for one in found if one["rows"]] + lots(facts, say)


def lots(facts: Facts, say: Reader) -> list[Table]:
    """Arrange the lots that were weighed, if any, with what JJF 1070 makes of them."""
    rows = [
        [
            _struck(one, one.what, say),
            _amount(one.nominal, one.unit),
            one.lot,
            _amount(", ".join(one.contents), one.unit),
            *_weighed(one, say),
        ]
        for one in facts.told(facts.state.lots)
    ]
    columns = "what nominal lot contents mean tolerance short judged"
    return [_table(say, "lots", columns, rows)] if rows else []


def _weighed(one: Lot, say: Reader) -> list[str]:
    try:
        found = net_content.assess(one.nominal, one.unit, one.lot, one.contents)
    except Refused:  # recorded by a device that did not check it
        return ["", "", "", ""]
    too_few = say.w["too_few"].format(asked=found.asked)
    words = {True: say.w["test_pass"], False: say.w["test_fail"], None: too_few}
    return [
        _amount(net_content.written(found.mean), one.unit),
        _amount(net_content.written(found.tolerance), one.unit),
        f"{found.short + found.far_short} (≤ {found.short_max})",
        words[found.complies],
    ]


def sheets(facts: Facts, say: Reader) -> list[dict[str, object]]:
    """Arrange each sample with all that is known of it."""
    w = say.w
    return [
        {
            "number": one.number,
            "voided": one.voided,
            "facts": say.pairs(
                [
                    ("what", f"{one.what} ({w.get(f'of_{one.of}', one.of)})"),
                    ("batch", one.batch),
                    ("producer", one.producer),
                    ("quantity", _amount(one.quantity, one.unit)),
                    ("taken_at", one.place),
                    ("item", one.item),
                    ("taken_by", say.name(one.who)),
                    ("judged", say.pick(sampling.WORDS[sampling.standing(one)])),
                    ("disposal", _disposals(facts, one, say)),
                    ("voided", one.voided),
                ]
            ),
            "tests": _table(
                say, "tests", "test method instrument found limit judged",
                [
                    [
                        _struck(test, test.test, say)
                        + (f" ({w['retest']})" if test.retest else ""),
                        test.method,
                        test.instrument,
                        _amount(test.result, test.unit),
                        _amount(test.limit, test.unit),
                        w.get(f"test_{test.verdict}", test.verdict),
                    ]
                    for test in facts.told(one.tests)
                ],
            ),
        }
        for one in facts.told(facts.state.samples)
    ]  # fmt: skip


def _table(say: Reader, title: str, columns: str, rows: list[list[str]]) -> Table:
    names = columns.split()
    wide = [WIDE.get(one, 1) for one in names]
    return {
        "title": say.w[title],
        "head": [say.w[one] for one in names],
        "wide": wide,
        "rows": rows,
    }


def _amount(value: str, unit: str) -> str:
    return f"{value} {unit}".strip() if value else ""


def _struck(one: Shown, text: str, say: Reader) -> str:
    return f"{text} [{say.w['voided']}: {one.voided}]" if one.voided else text


def _test(test: Tested, say: Reader) -> str:
    judged = say.w.get(f"test_{test.verdict}", test.verdict)
    again = f" ({say.w['retest']})" if test.retest else ""
    told = f"{_struck(test, test.test, say)}{again} {_amount(test.result, test.unit)}"
    return f"{told.strip()} {judged}"


def _disposals(facts: Facts, one: Sample, say: Reader) -> str:
    return say.join(_struck(told, told.disposal, say) for told in facts.told(one.disposals))
