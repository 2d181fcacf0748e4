"""Imports run one way (design section 10), and a few habits that a linter does not know."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("duis_gateway", "schemas", "esi", "csp_mgmt_gw")

BASE = ("duis_gateway.errors", "duis_gateway.namespaces")
PARTNER = ("duis_gateway.partners.xml", "duis_gateway.partners.messages", "duis_gateway.partners.bodies")
BELOW_STEPS = (
    *BASE,
    *PARTNER,
    "duis_gateway.clock",
    "duis_gateway.store.failpoints",
    "duis_gateway.flow.interactions",
    "duis_gateway.model",
    "duis_gateway.firmware",
    "duis_gateway.duis",
    "duis_gateway.envelope",
    "duis_gateway.pki",
    "duis_gateway.store",
    "duis_gateway.outbox",
    "csp_mgmt_gw.messages",
    "esi.messages",
    "schemas",
)
LAYERS: dict[str, tuple[str, ...]] = {
    "duis_gateway.namespaces": (),
    "duis_gateway.errors": (),
    "duis_gateway.clock": (),
    "duis_gateway.store.failpoints": (),
    "duis_gateway.config.reading": ("duis_gateway.duis.identifiers", "duis_gateway.parties.records"),
    "duis_gateway.config.settings": ("duis_gateway.errors", "duis_gateway.config.reading"),
    "duis_gateway.config.sample": ("duis_gateway.config.settings",),
    "duis_gateway.operations.logs": ("duis_gateway.errors", "duis_gateway.config.settings"),
    "schemas": BASE,
    "duis_gateway.model": BASE,
    "duis_gateway.flow.interactions": ("duis_gateway.model",),
    "duis_gateway.firmware": ("duis_gateway.model", "duis_gateway.errors"),
    "duis_gateway.envelope": BASE,
    "duis_gateway.pki": (*BASE, "duis_gateway.envelope.signature", "duis_gateway.duis.identifiers"),
    "duis_gateway.duis": (*BASE, "duis_gateway.model"),
    "duis_gateway.store": (*BASE, "duis_gateway.model", "duis_gateway.store.failpoints"),
    "duis_gateway.outbox": (
        *BASE,
        "duis_gateway.model",
        "duis_gateway.store",
        "duis_gateway.clock",
        "duis_gateway.store.failpoints",
    ),
    "duis_gateway.partners.xml": (*BASE, "duis_gateway.model"),
    "duis_gateway.partners.messages": (*BASE, "duis_gateway.model", "duis_gateway.partners.xml"),
    "duis_gateway.partners.bodies": (*BASE, "duis_gateway.model", *PARTNER),
    "csp_mgmt_gw.messages": (*BASE, "duis_gateway.model", *PARTNER),
    "esi.messages": (*BASE, "duis_gateway.model", *PARTNER),
    "duis_gateway.flow.profiles": (*BELOW_STEPS,),
    "duis_gateway.partners.rendering": (*BELOW_STEPS, "duis_gateway.flow.reply"),
    "duis_gateway.pki.signer": (*BASE, "duis_gateway.envelope"),
    "duis_gateway.flow.reply": (*BELOW_STEPS,),
    "duis_gateway.outbox.emails": (*BELOW_STEPS, "duis_gateway.flow.reply"),
    "duis_gateway.outbox.laying_in": (
        *BELOW_STEPS,
        "duis_gateway.flow.reply",
        "duis_gateway.outbox.emails",
        "duis_gateway.partners.rendering",
        "duis_gateway.pki.signer",
    ),
    "duis_gateway.flow.message": (*BELOW_STEPS, "duis_gateway.flow.reply"),
    "duis_gateway.decisions": (*BELOW_STEPS, "duis_gateway.flow.reply", "duis_gateway.outbox.emails"),
    "duis_gateway.sandbox.mocks": (
        *BASE,
        *PARTNER,
        "duis_gateway.clock",
        "duis_gateway.envelope",
        "duis_gateway.model",
        "duis_gateway.pki",
        "schemas",
    ),
    "duis_gateway.config.database": (*BASE, "duis_gateway.config.settings", "duis_gateway.store"),
    "duis_gateway.outbox.setbacks": (),
    "duis_gateway.config.signing_key": (
        *BASE,
        "duis_gateway.config.settings",
        "duis_gateway.model",
        "duis_gateway.pki",
        "duis_gateway.pki.signer",
    ),
    "duis_gateway.operations.watch": (
        *BASE,
        "duis_gateway.clock",
        "duis_gateway.model",
        "duis_gateway.pki",
        "duis_gateway.store",
    ),
    "duis_gateway.text.tabular": (),
    "duis_gateway.overview": (*BELOW_STEPS,),
    "duis_gateway.flow.steps": (
        *BELOW_STEPS,
        "duis_gateway.flow.profiles",
        "duis_gateway.outbox.emails",
        "duis_gateway.outbox.laying_in",
        "duis_gateway.partners.rendering",
        "duis_gateway.pki.signer",
        "duis_gateway.flow.reply",
        "duis_gateway.flow.message",
        "duis_gateway.decisions",
    ),
}
"""What each part may import of this project besides itself; parts that are not named here stand above all of these."""

ABOVE_STEPS = (
    "duis_gateway.flow.way",
    "duis_gateway.rollout.scheduler",
    "duis_gateway.doors",
    "duis_gateway.rollout.views",
    "duis_gateway.app",
    "duis_gateway.conformance",
    "duis_gateway.cli",
    "duis_gateway.sandbox.demo",
)
MOCKS_MAY = (
    *BASE,
    *PARTNER,
    "duis_gateway.clock",
    "duis_gateway.envelope",
    "duis_gateway.model",
    "duis_gateway.sandbox.mocks",
    "duis_gateway.pki",
    "schemas",
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
    assert of_project("duis_gateway.parties.records") == {"duis_gateway.duis.identifiers", "duis_gateway.namespaces"}


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
    """A new part has to be put into the table above, or it would stand outside every rule."""
    known = (*LAYERS, *ABOVE_STEPS, "csp_mgmt_gw", "esi", "duis_gateway.__init__", "duis_gateway.__main__")
    lost = [m for m in sources() if m != "duis_gateway" and not any(within(m, part) for part in known)]
    assert not lost, lost


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
    allowed = {
        "duis_gateway.flow.way": (),
        "duis_gateway.doors": ("duis_gateway.doors", "duis_gateway.flow.way"),
        "duis_gateway.rollout.views": ("duis_gateway.doors",),
        "duis_gateway.app": (
            "duis_gateway.doors",
            "duis_gateway.flow.way",
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
        "duis_gateway.sandbox.demo": ("duis_gateway.sandbox.demo", "duis_gateway.app"),
    }
    wrong = [
        f"{module} imports {name}"
        for module in sources()
        for part, may in allowed.items()
        if within(module, part)
        for name in of_project(module)
        if any(within(name, above) for above in ABOVE_STEPS) and not any(within(name, one) for one in may)
    ]
    assert not wrong, wrong


def test_no_step_imports_another() -> None:
    """So the order stands in the flow alone."""
    for module in sources():
        if not within(module, "duis_gateway.flow.steps") or module == "duis_gateway.flow.steps":
            continue
        others = [n for n in of_project(module) if within(n, "duis_gateway.flow.steps") and n != module]
        assert not others, f"{module} imports {others}"


def test_the_rules_are_pure() -> None:
    """No I/O, no clock, no database: only the standard library, and of that nothing that touches the world."""
    forbidden = {"io", "os", "pathlib", "socket", "sqlite3", "subprocess", "threading", "time", "random", "logging"}
    for module in sources():
        if not within(module, "duis_gateway.firmware"):
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
        if within(module, "duis_gateway")
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
