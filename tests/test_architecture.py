"""Imports run one way (design section 10), and a few habits that a linter does not know."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("duis_gateway", "schemas", "esi", "csp_mgmt_gw")

BASE = tuple(f"duis_gateway.{name}" for name in ("clock", "errors", "namespaces", "machine", "text"))
MESSAGES = ("csp_mgmt_gw.messages", "esi.messages")
RECORDS = (
    "duis_gateway.duis.identifiers",
    "duis_gateway.flow.incoming",
    "duis_gateway.parties.certificate_records",
    "duis_gateway.parties.records",
    "duis_gateway.rollout.activations.records",
    "duis_gateway.rollout.hub_events.records",
    "duis_gateway.rollout.hubs.records",
    "duis_gateway.rollout.plans.records",
    "duis_gateway.rollout.releases.records",
    "duis_gateway.rollout.rollout_decisions.records",
)
"""The field's own things as plain, frozen dataclasses."""

RULES = (
    "duis_gateway.rollout.activations.rules",
    "duis_gateway.rollout.deadlines.off_plan",
    "duis_gateway.rollout.deadlines.rules",
    "duis_gateway.rollout.device_lists",
    "duis_gateway.rollout.direct_instructions.rules",
    "duis_gateway.rollout.estate.rules",
    "duis_gateway.rollout.hubs.pairs",
    "duis_gateway.rollout.obligations.rules",
    "duis_gateway.rollout.pilot_lists.default_rules",
    "duis_gateway.rollout.pilot_lists.rules",
    "duis_gateway.rollout.plans.comparison",
    "duis_gateway.rollout.plans.counting",
    "duis_gateway.rollout.plans.words",
    "duis_gateway.rollout.plans.departures",
    "duis_gateway.rollout.plans.rules",
    "duis_gateway.rollout.plans.void",
    "duis_gateway.rollout.releases.lifecycle",
    "duis_gateway.rollout.releases.rules",
    "duis_gateway.rollout.rollout_decisions.rules",
    "duis_gateway.rollout.schedule_decisions.rules",
    "duis_gateway.rollout.schedules.rules",
    "duis_gateway.rollout.second_suppliers.rules",
)
"""Pure functions over those: no I/O, no clock, no database."""

SIDE_BY_SIDE = (
    "duis_gateway.rollout.eligibility",
    "duis_gateway.rollout.periods",
    "duis_gateway.rollout.progress.rules",
)
"""Rules that stand in Python and in SQL; they make conditions and ask no database."""

_HANDLED = (
    "duis_gateway.flow.tx",
    "duis_gateway.flow.evidence",
    "duis_gateway.flow.handling",
    "duis_gateway.flow.incoming",
    "duis_gateway.flow.parts",
    "duis_gateway.flow.reply",
)
"""What of the flow a handler knows: what it is given, and what it returns."""

LAYERS: dict[str, tuple[str, ...]] = {
    "duis_gateway.namespaces": (),
    "duis_gateway.errors": (),
    "duis_gateway.clock": ("duis_gateway.machine.files",),
    "duis_gateway.text": ("duis_gateway.duis.identifiers",),
    "duis_gateway.store.failpoints": (),
    "duis_gateway.duis.identifiers": BASE,
    **dict.fromkeys(RECORDS, (*BASE, *RECORDS)),
    **dict.fromkeys(RULES, (*BASE, *RECORDS, *RULES, *SIDE_BY_SIDE, "duis_gateway.duis.service_requests")),
    **dict.fromkeys(
        SIDE_BY_SIDE,
        (*BASE, *RECORDS, *SIDE_BY_SIDE, "duis_gateway.rollout.hubs.device_models", "duis_gateway.store.tables"),
    ),
    "duis_gateway.machine": ("duis_gateway.errors",),
    "schemas": BASE,
    "duis_gateway.duis": (
        *BASE,
        *RECORDS,
        "duis_gateway.partners.xml",
        "duis_gateway.text",
        "duis_gateway.envelope.escape",
        "schemas",
    ),
    "duis_gateway.envelope": BASE,
    "duis_gateway.pki": (*BASE, "duis_gateway.envelope.signature", "duis_gateway.duis.identifiers"),
    "duis_gateway.store": (*BASE, "duis_gateway.duis.identifiers"),
    "duis_gateway.audit": (
        *BASE,
        "duis_gateway.duis.identifiers",
        "duis_gateway.envelope",
        "duis_gateway.pki",
        "duis_gateway.store",
    ),
    "duis_gateway.parties": (*BASE, *RECORDS, "duis_gateway.store"),
    "duis_gateway.partners": (
        *BASE,
        *RECORDS,
        *MESSAGES,
        "duis_gateway.duis.service_requests",
        "duis_gateway.envelope.escape",
    ),
    "csp_mgmt_gw.messages": (*BASE, *RECORDS, "duis_gateway.partners"),
    "esi.messages": (*BASE, *RECORDS, "duis_gateway.partners"),
    "duis_gateway.rollout": (
        *BASE,
        *MESSAGES,
        *_HANDLED,
        "duis_gateway.audit.sealing",
        "duis_gateway.clock",
        "duis_gateway.duis",
        "duis_gateway.operations",
        "duis_gateway.outbox",
        "duis_gateway.parties",
        "duis_gateway.partners",
        "duis_gateway.pki.signer",
        "duis_gateway.store",
        "duis_gateway.text",
    ),
    "duis_gateway.outbox": (
        *BASE,
        *RECORDS,
        *RULES,
        *MESSAGES,
        "duis_gateway.audit.recording",
        "duis_gateway.clock",
        "duis_gateway.duis",
        "duis_gateway.flow.interactions",
        "duis_gateway.flow.reply",
        "duis_gateway.operations.flags",
        "duis_gateway.parties",
        "duis_gateway.partners",
        "duis_gateway.pki.signer",
        "duis_gateway.rollout.hubs",
        "duis_gateway.rollout.releases.store",
        "duis_gateway.store",
        "duis_gateway.text",
    ),
    "duis_gateway.flow": (
        *BASE,
        *MESSAGES,
        "duis_gateway.audit.recording",
        "duis_gateway.clock",
        "duis_gateway.duis",
        "duis_gateway.envelope",
        "duis_gateway.outbox",
        "duis_gateway.parties",
        "duis_gateway.partners",
        "duis_gateway.pki",
        "duis_gateway.rollout",
        "duis_gateway.store",
    ),
    "duis_gateway.operations.actions": (*BASE, "duis_gateway.audit.recording", "duis_gateway.store"),
    "duis_gateway.operations.flags": (*BASE, "duis_gateway.store"),
    "duis_gateway.operations.pruning": (
        *BASE,
        "duis_gateway.audit",
        "duis_gateway.store",
        "duis_gateway.rollout.hub_events.store",
        "duis_gateway.rollout.hubs.freshness",
    ),
    "duis_gateway.operations.readiness": ("duis_gateway.machine.threads",),
    "duis_gateway.operations.watch": (
        *BASE,
        *RECORDS,
        "duis_gateway.clock",
        "duis_gateway.operations.flags",
        "duis_gateway.parties",
        "duis_gateway.pki",
        "duis_gateway.store",
    ),
    "duis_gateway.config": (
        *BASE,
        *RECORDS,
        "duis_gateway.clock",
        "duis_gateway.pki",
        "duis_gateway.store",
    ),
    "duis_gateway.client": (
        *BASE,
        *MESSAGES,
        *RECORDS,
        "duis_gateway.clock",
        "duis_gateway.duis",
        "duis_gateway.envelope",
        "duis_gateway.partners",
        "duis_gateway.pki",
        "schemas",
    ),
    "duis_gateway.sandbox.mocks": (
        *BASE,
        *RECORDS,
        "duis_gateway.client",
        "duis_gateway.clock",
        "duis_gateway.envelope",
        "duis_gateway.partners",
    ),
}
"""What each part may import of this project besides itself; parts that are not named here stand above all of these."""

ABOVE_THE_FLOW = (
    "duis_gateway.rollout.scheduler",
    "duis_gateway.rollout.views",
    "duis_gateway.flow.way",
    "duis_gateway.doors",
    "duis_gateway.operations.console",
    "duis_gateway.operations.figures",
    "duis_gateway.operations.listener",
    "duis_gateway.app",
    "duis_gateway.conformance",
    "duis_gateway.cli",
    "duis_gateway.sandbox.demo",
)
LOOSE = ("app", "clock", "errors", "namespaces", "__init__", "__main__")
"""Modules that belong to no room; there are no others (tests below)."""

IN_ONE_PROCESS = ("duis_gateway.sandbox.players", "duis_gateway.sandbox.doings", "duis_gateway.sandbox.planned")
"""The sandbox's parties: the mocks, in one process with the gateway that they speak with."""

MOCKS_MAY = (
    *BASE,
    *RECORDS,
    "duis_gateway.client",
    "duis_gateway.clock",
    "duis_gateway.envelope",
    "duis_gateway.partners",
    "duis_gateway.sandbox.mocks",
)


def within(module: str, part: str) -> bool:
    return module == part or module.startswith(part + ".")


@cache
def sources() -> dict[str, Path]:
    """Every module of the project by its dotted name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(sources()[module].read_text(encoding="utf-8"))


def imported(module: str) -> Iterator[str]:
    """Every module that a module imports, anywhere in it; a name imported from a package counts as that module."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in sources() else str(node.module)


@cache
def of_project(module: str) -> frozenset[str]:
    """What a module imports of the project; the package itself, which has the version alone, does not count."""
    return frozenset(name for name in imported(module) if name.partition(".")[0] in PACKAGES and name != "duis_gateway")


def test_the_project_is_found() -> None:
    assert "duis_gateway.errors" in sources()
    assert of_project("duis_gateway.parties.records") == {
        "duis_gateway.duis.identifiers",
        "duis_gateway.errors",
        "duis_gateway.namespaces",
        "duis_gateway.text.folding",
    }


@pytest.mark.parametrize("part", sorted(LAYERS))
def test_each_part_imports_only_what_stands_below_it(part: str) -> None:
    wrong = [
        f"{module} imports {name}"
        for module in sources()
        if within(module, part)
        for name in of_project(module)
        if not within(name, part) and not any(within(name, allowed) for allowed in LAYERS[part])
    ]
    assert not wrong, wrong


def test_every_part_has_its_place() -> None:
    """A new part has to be put into a table above, or it would stand outside every rule."""
    loose = tuple(f"duis_gateway.{name}" for name in LOOSE)
    known = (*LAYERS, *ABOVE_THE_FLOW, *loose, "duis_gateway.operations", "csp_mgmt_gw", "esi", "duis_gateway.sandbox")
    lost = [m for m in sources() if m != "duis_gateway" and not any(within(m, part) for part in known)]
    assert not lost, lost


def test_nothing_lies_loose() -> None:
    """Each subject has a room, and each room says in its `__init__` what it is for and what may come in."""
    found = {path.stem for path in (ROOT / "duis_gateway").glob("*.py")}
    assert found == set(LOOSE)
    silent = [
        module
        for module, path in sources().items()
        if path.name == "__init__.py" and not (ast.get_docstring(tree(module)) or "").strip()
    ]
    assert not silent, silent


def test_the_doors_use_the_flow_and_not_the_steps() -> None:
    """Only the flow knows the steps and their order."""
    may = ("duis_gateway.flow.steps", "duis_gateway.flow.way", "duis_gateway.app")
    wrong = [
        f"{module} imports {name}"
        for module in sources()
        if not any(within(module, part) for part in may)
        for name in of_project(module)
        if within(name, "duis_gateway.flow.steps")
    ]
    assert not wrong, wrong


def test_nothing_below_imports_the_doors_or_the_command_line() -> None:
    above = {
        "duis_gateway.flow.way": (),
        "duis_gateway.doors": ("duis_gateway.doors", "duis_gateway.flow.way"),
        "duis_gateway.rollout.views": ("duis_gateway.operations",),
        "duis_gateway.rollout.scheduler": (),
        "duis_gateway.operations": ("duis_gateway.doors", "duis_gateway.operations"),
        "duis_gateway.app": (
            "duis_gateway.doors",
            "duis_gateway.flow.way",
            "duis_gateway.operations",
            "duis_gateway.rollout.scheduler",
            "duis_gateway.rollout.views",
        ),
        "duis_gateway.conformance": ("duis_gateway.conformance",),
        "duis_gateway.cli": (
            "duis_gateway.cli",
            "duis_gateway.app",
            "duis_gateway.conformance",
            "duis_gateway.sandbox.demo",
        ),
        "duis_gateway.sandbox": (
            "duis_gateway.sandbox.demo",
            "duis_gateway.app",
            "duis_gateway.doors",
            "duis_gateway.operations.console",
        ),
    }
    wrong = [
        f"{module} imports {name}"
        for module in sources()
        if module != "duis_gateway.__main__"
        for name in of_project(module)
        if any(within(name, one) for one in ABOVE_THE_FLOW)
        and not any(within(name, may) for part, all_of_it in above.items() if within(module, part) for may in all_of_it)
    ]
    assert not wrong, wrong


def test_the_sandbox_is_for_the_command_line_alone() -> None:
    """Beside it the mocks use `sandbox.mocks`, and nobody anything else of it."""
    wrong = [
        f"{module} imports {name}"
        for module in sources()
        if not within(module, "duis_gateway.sandbox") and not within(module, "duis_gateway.cli")
        for name in of_project(module)
        if within(name, "duis_gateway.sandbox") and not within(name, "duis_gateway.sandbox.mocks")
    ]
    assert not wrong, wrong


def test_no_step_calls_another() -> None:
    """So the order stands in the flow alone."""
    steps = {node.name for node in tree("duis_gateway.flow.steps").body if isinstance(node, ast.FunctionDef)}
    public = {name for name in steps if not name.startswith("_")}
    assert public == {"receive", "verify", "known", "admit", "validate", "authorise", "decide", "store"}
    called = [
        node.func.id
        for node in ast.walk(tree("duis_gateway.flow.steps"))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in public
    ]
    assert not called, called


def test_the_rules_are_pure() -> None:
    """No I/O, no clock, no database: only the standard library, and of that nothing that touches the world."""
    forbidden = {"io", "os", "pathlib", "socket", "sqlite3", "subprocess", "threading", "time", "random", "logging"}
    for module in sources():
        if module not in (*RULES, *RECORDS):
            continue
        outside = {name.partition(".")[0] for name in imported(module)} - {"duis_gateway"}
        assert outside <= set(sys.stdlib_module_names), f"{module} imports {outside}"
        assert not outside & forbidden, f"{module} imports {outside & forbidden}"
        clocks = [
            n.attr for n in ast.walk(tree(module)) if isinstance(n, ast.Attribute) and n.attr in ("now", "utcnow")
        ]
        assert not clocks, f"{module} reads a clock"


@pytest.mark.parametrize("interface", ["csp_mgmt_gw", "esi"])
def test_the_mocks_are_clients_of_the_wire(interface: str) -> None:
    """They never touch the store or the steps, and know of the gateway only how messages look and are signed."""
    wrong = [
        f"{module} imports {name}"
        for module in sources()
        if within(module, interface)
        for name in of_project(module)
        if not within(name, interface) and not any(within(name, allowed) for allowed in MOCKS_MAY)
    ]
    assert not wrong, wrong


def test_the_gateway_never_imports_the_mocks() -> None:
    """Of the interfaces' packages it imports the messages; the demo starts the mocks as processes."""
    wrong = [
        f"{module} imports {name}"
        for module in sources()
        if within(module, "duis_gateway") and module not in IN_ONE_PROCESS
        for name in of_project(module)
        if name.partition(".")[0] in ("csp_mgmt_gw", "esi")
        and not name.startswith(("csp_mgmt_gw.messages", "esi.messages"))
    ]
    assert not wrong, wrong


def test_there_is_no_circle() -> None:
    """Following the imports from any module never leads back to it."""
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, f"a circle: {' -> '.join((*way[way.index(module) :], module))}"
        if module in done:
            return
        for name in of_project(module) & sources().keys():
            if name != module:
                visit(name, (*way, module))
        done.add(module)

    for module in sources():
        visit(module, ())


def test_there_is_one_back_off() -> None:
    """Whoever waits longer from failure to failure asks `clock.wait_after`."""
    doubling = [
        f"{module}:{node.lineno}"
        for module in sources()
        if module != "duis_gateway.clock"
        for node in ast.walk(tree(module))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and not isinstance(node.right, ast.Constant)
    ]
    doubling += [
        f"{module}:{node.lineno}"
        for module in sources()
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        for part in ast.walk(node.value)
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mult)
        if {ast.unparse(part.left), ast.unparse(part.right)} == {node.targets[0].id, "2"}
    ]
    assert not doubling, doubling
    users = {module for module in sources() if "duis_gateway.clock" in of_project(module)}
    assert {"duis_gateway.outbox.retry", "duis_gateway.outbox.setbacks", "duis_gateway.client.gateway"} <= users


def test_there_is_one_escape_for_xml() -> None:
    """Text and attributes by `envelope.escape`; what is filled into HTML, by its templates."""
    wrong = [
        f"{module} imports {name}"
        for module in sources()
        for name in imported(module)
        if name in ("html", "xml.sax.saxutils")
    ]
    by_hand = [module for module, path in sources().items() if "&lt;" in path.read_text(encoding="utf-8")]
    assert by_hand == ["duis_gateway.envelope.escape"]
    assert not wrong, wrong


def test_what_others_wrote_is_read_in_one_place() -> None:
    """Python's readers of JSON and TOML crash on deep nestings, and its words for digits mean those of any script."""
    places = [f"duis_gateway.text.{name}" for name in ("json_reader", "toml_reader", "numbers")]
    in_latin_1 = ["duis_gateway.outbox.answer", "duis_gateway.client.server"]
    calls = {"json.loads", "json.load", "tomllib.loads", "tomllib.load"}
    digits = {"isdecimal", "isdigit", "isnumeric"}
    wrong = [
        f"{module}:{node.lineno}"
        for module in sources()
        if module not in places
        for node in ast.walk(tree(module))
        if (isinstance(node, ast.Attribute) and ast.unparse(node) in calls)
        or (isinstance(node, ast.Attribute) and node.attr in digits and module not in in_latin_1)
        or (isinstance(node, ast.Constant) and isinstance(node.value, str) and "\\d" in node.value)
    ]
    assert not wrong, wrong


def test_nobody_raises_a_bare_exception() -> None:
    wrong = []
    for module in sources():
        for node in ast.walk(tree(module)):
            if not isinstance(node, ast.Raise):
                continue
            name = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if isinstance(name, ast.Name) and name.id in ("Exception", "BaseException"):
                wrong.append(f"{module}:{node.lineno}")
    assert not wrong, wrong


def test_no_check_is_silenced_and_nothing_is_unfinished() -> None:
    words = ["type: " + "ignore", "TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error"]
    files = [*sources().values(), *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {word}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for word in words
        if word in line
    ]
    assert not wrong, wrong


def test_the_modules_can_be_read_on_a_screen_or_a_few() -> None:
    """A file has one subject; past 450 lines it has two."""
    long = {m: n for m, p in sources().items() if (n := len(p.read_text(encoding="utf-8").splitlines())) > 450}
    assert not long, long


def test_every_package_is_in_the_wheel() -> None:
    """setup.cfg packs what the include list names; a package folder without `__init__.py` would be left out."""
    lost = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if not (path.parent / "__init__.py").exists()
    ]
    assert not lost, lost


BESIDE_THE_ROOMS = frozenset(
    (
        "defences",
        "docs",
        "faults",
        "fixtures",
        "fuzz",
        "simulation",
        "journeys",
        "packaging",
        "regression",
        "scale",
        "support",
        "vectors",
        "wire",
    )
)
"""Folders of tests whose subject is not one room."""


def test_the_tests_stand_in_the_rooms_of_their_subjects() -> None:
    rooms = {path.name for path in (ROOT / "duis_gateway").iterdir() if path.is_dir()}
    subjects = {path.name for path in (ROOT / "duis_gateway" / "rollout").iterdir() if path.is_dir()}
    folders = {path.parent.relative_to(ROOT / "tests").parts for path in (ROOT / "tests").rglob("test_*.py")}
    lost = [parts for parts in folders if parts and parts[0] not in rooms | BESIDE_THE_ROOMS]
    lost += [parts for parts in folders if parts[:1] == ("rollout",) and parts[1:] and parts[1] not in subjects]
    assert not lost, f"docs/architecture.md, Layout, says which rooms there are: {sorted(lost)}"


def test_what_every_hub_of_a_list_is_compared_with_is_made_once() -> None:
    """A set made in a comprehension's condition is made for each item: two lists of 50,000 hubs take minutes."""

    def made_again(node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> bool:
        looked_in = (
            side
            for generator in node.generators
            for condition in generator.ifs
            for test in ast.walk(condition)
            if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.In | ast.NotIn)
            for side in test.comparators
        )
        makers = {"set", "frozenset", "list", "tuple", "dict", "sorted"}
        return any(isinstance(one, ast.Call) and ast.unparse(one.func) in makers for one in looked_in)

    kinds = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    assert not [one for kind in kinds for one in found_in(list(sources()), kind, made_again)]


# --- rules that stand in one place --------------------------------------------------------------------------------


def rooms(*but: str) -> list[str]:
    """The modules of the field, and what shows it, without those named."""
    parts = ("rollout", "flow", "outbox", "operations", "doors", "cli")
    inside = [m for m in sources() if any(within(m, f"duis_gateway.{part}") for part in parts)]
    return [m for m in inside if m not in {f"duis_gateway.{name}" for name in but}]


def found_in(modules: list[str], kind: type[ast.AST], wrong: Callable[[Any], bool]) -> list[str]:
    return [
        f"{module}:{getattr(node, 'lineno', 0)}: {ast.unparse(node)}"
        for module in modules
        for node in ast.walk(tree(module))
        if isinstance(node, kind) and wrong(node)
    ]


def operands(node: ast.Compare) -> list[str]:
    return [ast.unparse(one) for one in (node.left, *node.comparators)]


def attributes(node: ast.AST) -> set[str]:
    return {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}


def names(node: ast.AST) -> set[str]:
    return attributes(node) | {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


@pytest.mark.parametrize("value", ["CHF", "Commissioned"])
def test_what_a_hub_is_and_when_it_is_in_use_stand_in_eligibility(value: str) -> None:
    """DUIS's own words (`duis.responses`) and invented estates are no rules."""
    modules = rooms("rollout.eligibility", "cli.conformance_init")
    assert not found_in(modules, ast.Constant, lambda node: node.value == value)


def test_which_version_a_hub_may_leave_stands_in_eligibility() -> None:
    """No other comparison of a hub's version with a release's; an outcome's version is compared with the hub's."""

    def wrong(node: ast.Compare) -> bool:
        versions = [text for text in operands(node) if text.endswith("firmware_version")]
        hubs = [text for text in versions if "hub" in text]
        return bool(hubs) and len(versions) > 1 and not any("outcome" in text for text in versions)

    modules = rooms("rollout.eligibility")
    assert not found_in(modules, ast.Compare, wrong)
    looked_up = {"later_versions", "permitted_predecessors"}
    of_a_release = found_in(modules, ast.Compare, lambda node: bool(looked_up & attributes(node)))
    assert of_a_release == [one for one in of_a_release if "notice." in one]


def test_who_is_responsible_stands_in_eligibility() -> None:
    roles = {"import_supplier", "gas_supplier"}
    modules = rooms("rollout.eligibility", "rollout.hubs.records")
    assert not found_in(modules, ast.Compare, lambda node: bool(roles & attributes(node)))
    together = (ast.Set, ast.SetComp, ast.BoolOp)
    assert not [one for kind in together for one in found_in(modules, kind, lambda node: roles <= names(node))]
    assert not found_in(modules, ast.Call, lambda node: ast.unparse(node.func) == "or_" and roles <= names(node))


def test_which_periods_can_be_stands_in_periods() -> None:
    """That a period is not empty, that it ends before the automatic date, and whether it is over at a moment."""

    def wrong(node: ast.Compare) -> bool:
        if not any(isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for op in node.ops):
            return False
        texts = operands(node)
        ends = [text for text in texts if text.endswith((".end", ".ends", "latest_end", "counting_end"))]
        dates = [text for text in texts if "automatic" in text]
        now = [text for text in texts if text.rpartition(".")[2] in ("now", "at")]
        starts = [text for text in texts if text.endswith((".start", ".starts", "earliest_start"))]
        of_itself = ends and any(text.rpartition(".")[0] == ends[0].rpartition(".")[0] for text in starts)
        return bool(ends and (dates or now or of_itself))

    modules = [m for m in rooms("rollout.periods") if within(m, "duis_gateway.rollout")]
    assert not found_in(modules, ast.Compare, wrong)


def test_who_hears_of_a_hub_stands_in_audience() -> None:
    """Suppliers that are registered, and the hubs in a CSP's regions."""
    modules = [m for m in rooms("rollout.audience") if within(m, "duis_gateway.rollout")]
    assert not found_in(modules, ast.Call, lambda node: ast.unparse(node.func) == "parties.find_many")
    filters = ast.ListComp | ast.GeneratorExp
    wrong = [
        f"{module}:{node.lineno}: {ast.unparse(node)}"
        for module in modules
        for node in ast.walk(tree(module))
        if isinstance(node, filters)
        for generator in node.generators
        if any(ast.unparse(one).endswith(" in party.regions") for one in generator.ifs)
    ]
    assert not wrong, wrong
