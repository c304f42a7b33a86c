"""Stands in for the build backend of a source distribution while pip downloads one.

pip asks the backend for metadata before it keeps an archive, and setuptools answers by running the
package's setup.py. This answers with the PKG-INFO that the archive brings along.
"""

import os
import re
import sys


def get_requires_for_build_wheel(config_settings=None):
    return []


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    with open("PKG-INFO", encoding="utf-8") as file:
        metadata = file.read()
    name, version = (
        re.search(rf"^{key}: *(\S+) *$", metadata, re.MULTILINE)[1] for key in ("Name", "Version")
    )
    folder = f"{re.sub('[-_.]+', '_', name)}-{version}.dist-info"
    os.mkdir(os.path.join(metadata_directory, folder))
    path = os.path.join(metadata_directory, folder, "METADATA")
    with open(path, "w", encoding="utf-8") as file:
        file.write(metadata)
    return folder


# The name that pip uses for packages without a pyproject.toml.
__legacy__ = sys.modules[__name__]
