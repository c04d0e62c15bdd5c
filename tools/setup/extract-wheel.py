"""Extracts the members of a wheel whose names match a pattern: extract-wheel.py WHEEL FOLDER PATTERN."""

import os
import re
import sys
import zipfile

wheel, folder, pattern = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for member in archive.infolist():
        if member.is_dir() or not re.match(pattern, member.filename):
            continue
        path = archive.extract(member, folder)
        os.chmod(path, (member.external_attr >> 16) & 0o777 | 0o644)
