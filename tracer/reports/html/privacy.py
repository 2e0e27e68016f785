"""Sentences without what they say of a machine's folders and of its name on the network."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# Two components at least: `/device:GPU:0` is a device.
_PATH = re.compile(r"(?<![\w.:])~?/(?:[^\s/:;,'\"`()]+/)+(?=[^\s/])")
_GPU = re.compile(r"(, | ?\()?\bGPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\)?")
"""NVIDIA's number of one GPU, which is of no other in the world."""


@dataclass(frozen=True, slots=True)
class Private:
    """``folders`` are absolute paths that may have blanks, ``hosts`` names of machines; none stays."""

    folders: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    def of(self, sentence: str) -> str:
        """The sentence with the last component of a path in the path's place."""
        for folder in sorted(self.folders, key=len, reverse=True):
            if len(folder) > 1:
                sentence = sentence.replace(f"{folder.rstrip('/')}/", "").replace(folder.rstrip("/"), "the folder")
        for host in self.hosts:
            if host:
                sentence = re.sub(rf"(?<![\w-]){re.escape(host)}(?![\w-])", "a host", sentence)
        return _PATH.sub("", _GPU.sub("", sentence))

    def each(self, sentences: Iterable[str]) -> list[str]:
        """``of`` each."""
        return [self.of(one) for one in sentences]
