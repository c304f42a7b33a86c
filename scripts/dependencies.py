"""Names the dependencies that a crate of the workspace declares and never uses; an error if there is one.

A dependency is used where a source of the crate, or one elsewhere that it names by `#[path]`, has its
library's name as a word.
"""

import json
import pathlib
import re
import subprocess
import sys


def main():
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--all-features"]
    metadata = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    unused = []
    for member in metadata["workspace_members"]:
        package = packages[member]
        folder = pathlib.Path(package["manifest_path"]).parent
        words = set()
        for path in folder.rglob("*.rs"):
            text = path.read_text()
            elsewhere = re.findall(r'#\[path = "(\.\./[^"]+)"\]', text)
            texts = [text, *((path.parent / other).read_text() for other in elsewhere)]
            words.update(word for text in texts for word in re.findall(r"\w+", text))
        for dependency in nodes[member]["deps"]:
            if dependency["name"] not in words:
                name = packages[dependency["pkg"]]["name"]
                unused.append(f"{package['name']}: {name} is declared and never used")
    print("\n".join(unused) or "no crate declares what it does not use")
    sys.exit(bool(unused))


main()
