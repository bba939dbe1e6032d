"""The folder of Li Ming's phone as its enrolment and first sync leave it; no server is asked."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from simulation.world import FORM

from cli.home import Home
from sync import checklist
from sync.checklist import Checklist
from sync.messages import Enrolled
from sync.store import Row

LI = {"id": "li", "name": "李明", "certificate": "33-1"}
WANG = {"id": "wang", "name": "王芳", "certificate": "33-2"}
SHOP = {"code": "91330106MA2CXXXX0X", "name": "城东冷库", "address": "人民路1号"}
TASK: dict[str, Any] = {"place": 7, "establishment": SHOP, "lead": LI, "second": WANG}


def enrolled(folder: Path, *tasks: dict[str, Any], forms: Sequence[Checklist] = (FORM,)) -> Home:
    """Enrol a phone that holds checklists, and tasks by the first of them, `t1` unless told."""
    home = Home(folder)
    told = Enrolled("d1", "li", "李明", "33-1", "00" * 32, "e")
    home.replica.enrol(told, server="http://evenhand", secret="01" * 32)
    with home.store.transaction():
        for form in forms:
            body = checklist.canonical(form)
            home.store.put_row(Row("u:li", "checklist", checklist.digest(form), "r", body))
        for one in tasks or ({},):
            put_task(home, {"checklist": checklist.digest(forms[0]), **one})
    return home


def put_task(home: Home, more: dict[str, Any]) -> None:
    """Put a task on a phone, as a sync would."""
    task = {"id": "t1", "checklist": checklist.digest(FORM), **TASK, **more}
    body = msgspec.json.encode(task)
    home.store.put_row(Row(f"i:{task['id']}", "task", task["id"], "r", body))
