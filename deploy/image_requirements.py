"""Print the part of requirements.lock that some extras need.

pip works out which packages the extras lead to, held to the lock's versions; their lines, with hashes, are printed.
Needs pip and the standard library alone: it runs before anything is installed.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path.cwd()


def main(extras: str) -> None:
    """Print the lines for `extras`, separated by commas."""
    locked = _blocks((HERE / "requirements.lock").read_text("utf-8"))
    pins = [block.splitlines()[0].removesuffix("\\").strip() for block in locked.values()]
    with tempfile.TemporaryDirectory() as folder:
        versions = Path(folder) / "versions.txt"
        versions.write_text("\n".join(pins), "utf-8")
        needed = {_normal(name) for name in _resolved(_requirements(extras.split(",")), versions)}
    if missing := needed - locked.keys():
        sys.exit(f"requirements.lock lacks {', '.join(sorted(missing))}: run make lock")
    sys.stdout.write("\n".join(locked[name] for name in sorted(needed)) + "\n")


def _requirements(extras: list[str]) -> list[str]:
    """What the project and the extras ask for; `muster[a,b]` among it stands for the extras a and b."""
    project = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))["project"]
    found = list(project["dependencies"])
    waiting = [extra.strip() for extra in extras if extra.strip()]
    seen = set()
    while waiting:
        extra = waiting.pop()
        if extra in seen:
            continue
        seen.add(extra)
        for requirement in project["optional-dependencies"][extra]:
            if own := re.fullmatch(r"muster\[(.+)\]", requirement):
                waiting += [name.strip() for name in own.group(1).split(",")]
            else:
                found.append(requirement)
    return found


def _resolved(requirements: list[str], versions: Path) -> list[str]:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-"]
    command += ["--constraint", str(versions), *requirements]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - its own pip
    return [item["metadata"]["name"] for item in json.loads(told.stdout)["install"]]


def _blocks(lock: str) -> dict[str, str]:
    blocks = re.findall(r"^[A-Za-z0-9].*(?:\n    --hash.*)+", lock, flags=re.MULTILINE)
    return {_normal(re.split(r"[\[=<>;\s]", block, maxsplit=1)[0]): block for block in blocks}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "all")
