"""``gatewise doctor``: what machine, versions, threads and extras there are, and what is missing."""

from __future__ import annotations

import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import typer

from gatewise import __version__
from gatewise.cli.output import Json, print_json, print_table
from gatewise.registry import KERNELS

#: Extras for people who work on the package itself, or that only name other extras.
_NOT_FOR_USERS = ("all", "dev")
_REQUIREMENT = re.compile(r"^(?P<name>[\w.-]+)[^;]*(?:;(?P<marker>.*))?$")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([\w-]+)['\"]")


def doctor(as_json: Json = False) -> None:
    """Say what machine, versions, threads and extras there are, and what is missing with the command that adds it.

    The exit code is 1 when something is missing that no run can do without.

    For example:

      gatewise doctor
    """
    found = examine()
    if as_json:
        print_json(found)
    else:
        _show(found)
    if found["broken"]:
        raise typer.Exit(1)


def examine() -> dict[str, Any]:
    """Return everything that ``doctor`` shows, as a plain tree."""
    from gatewise.runs.environment import environment

    needed, extras = _requirements()
    around = environment()
    avx2 = has_avx2()
    broken = [f"{name} is missing: pip install gatewise" for name, version in needed.items() if version is None]
    if avx2 is False:
        broken.append("this processor has no AVX2, which Polars needs: pip install 'polars[rtcompat]'")
    missing = [
        f"{', '.join(name for name, version in parts.items() if version is None)}: pip install 'gatewise[{extra}]'"
        for extra, parts in extras.items()
        if None in parts.values()
    ]
    return {
        "gatewise": __version__,
        "python": platform.python_version(),
        "platform": around["platform"],
        "cpu": {**around["cpu"], "avx2": avx2},
        "memory_gib": around["memory_gib"],
        "threads": around["threads"],
        "thread_variables": around["thread_variables"],
        "torch": None if needed.get("torch") is None else _torch(),
        "packages": needed,
        "extras": extras,
        "kernels": KERNELS.names(),
        "native": None if needed.get("torch") is None else _native(),
        "git": around["git"],
        "missing": missing,
        "broken": broken,
    }


def has_avx2(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool | None:
    """Return whether the processor has AVX2; None where the system does not tell or the question makes no sense."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return None
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    flags = re.search(r"^flags\s*:(.*)$", text, re.MULTILINE)
    return None if flags is None else "avx2" in flags.group(1).split()


def _requirements() -> tuple[dict[str, str | None], dict[str, dict[str, str | None]]]:
    """Return name and version (None when missing) of what every run needs, and of each extra's packages."""
    needed: dict[str, str | None] = {}
    extras: dict[str, dict[str, str | None]] = {}
    for line in metadata.requires("gatewise") or ():
        match = _REQUIREMENT.match(line.strip())
        if match is None or match["name"] == "gatewise":
            continue
        extra = _EXTRA.search(match["marker"] or "")
        if extra is None:
            needed[match["name"]] = _version(match["name"])
        elif extra[1] not in _NOT_FOR_USERS:
            extras.setdefault(extra[1], {})[match["name"]] = _version(match["name"])
    return needed, extras


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _torch() -> dict[str, Any]:
    """Return how torch would compute here."""
    import torch

    cuda = bool(torch.cuda.is_available())
    return {
        "threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "onednn": torch.backends.mkldnn.is_available(),  # type: ignore[no-untyped-call]
        "cuda": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())] if cuda else [],
    }


def _native() -> str | None:
    """Return the build of the compiled kernels that would be used here, None where there is none."""
    from gatewise.cells.kernels.library import library

    found = library()
    return None if found is None else found.name


def _show(found: dict[str, Any]) -> None:
    cpu, torch, git = found["cpu"], found["torch"], found["git"]
    cores = f"{cpu['cores']} of {cpu['cores_of_machine']} cores"
    variables = ", ".join(f"{name}={value}" for name, value in found["thread_variables"].items())
    rows = [
        ("gatewise", f"{found['gatewise']}, Python {found['python']}, {found['platform']}"),
        ("processor", f"{cpu['model']}, {cores} may be used, AVX2: {_yes(cpu['avx2'])}"),
        ("memory", f"{found['memory_gib']} GiB"),
        ("threads", f"{found['threads']}" + (f" ({variables})" if variables else "")),
    ]
    if torch:
        rows.append(
            ("torch", f"{torch['threads']} threads, {torch['cpu_capability']}, oneDNN: {_yes(torch['onednn'])}")
        )
        rows.append(("CUDA", ", ".join(torch["cuda"]) or "none: runs compute on the processor"))
    rows.append(("kernels", ", ".join(found["kernels"])))
    rows.append(("compiled kernels", found["native"] or "none for this machine: torch's recurrences and loops compute"))
    rows.append(
        ("git", f"{git['commit'][:12]}{' with changes' if git['dirty'] else ''}" if git else "not in a work tree")
    )
    rows += [("package", f"{name} {version or 'MISSING'}") for name, version in found["packages"].items()]
    for extra, parts in found["extras"].items():
        rows.append((f"extra {extra}", ", ".join(f"{name} {version or 'missing'}" for name, version in parts.items())))
    print_table(("what", "found"), rows)
    for line in found["broken"]:
        typer.echo(f"Needed: {line}")
    for line in found["missing"]:
        typer.echo(f"Optional, not installed: {line}")
    if not found["broken"]:
        typer.echo("Ready." if found["missing"] else "Ready, with every extra.")


def _yes(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"
