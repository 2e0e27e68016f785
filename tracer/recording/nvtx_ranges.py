"""
NVTX push/pop ranges in the domain ``kws-trace``, through the lower layer of the ``nvtx`` package.

``nvtx.Domain`` of 0.2.12 and later gives a dummy that records nothing where the injected tool lacks NVTX 3.2's
payload extension, as under the releases of Nsight Systems that JetPack ships. The layer below it asks nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

DOMAIN = "kws-trace"

CAPTURE_RANGE = "capture"
"""The range of our domain that tells Nsight Systems to collect: ``--nvtx-capture=capture@kws-trace``."""


@dataclass(frozen=True, slots=True, eq=False)
class NvtxRanges:
    """
    Handles of the domain: ``push(attributes, domain)`` opens a range, ``pop(domain)`` closes the newest.

    ``numbering(attributes)`` gives the function that assigns their int64 payload before a push.
    """

    push: Callable[[Any, Any], object]
    pop: Callable[[Any], object]
    domain: Any
    attributes: Callable[[str], Any]
    numbering: Callable[[Any], Callable[[int], object]]
    version: str


def open_ranges(domain_name: str = DOMAIN) -> NvtxRanges | None:
    """
    Open the domain; None where the installed ``nvtx`` package has no lower layer that we know.

    Attributes are made once a name.
    """
    from importlib import metadata

    try:
        from nvtx._lib import lib
    except ImportError:
        return None
    try:
        domain = lib.DomainHandle(domain_name)

        def attributes(name: str) -> Any:
            return _attributes(lib, domain, name)

        # One range of its own shows that this layer works, and loads an injected tool before anything is timed.
        opening = attributes("open")
        _numbering(opening)(0)
        lib.push_range(opening, domain)
        lib.pop_range(domain)
    except (AttributeError, TypeError):
        return None
    return NvtxRanges(lib.push_range, lib.pop_range, domain, attributes, _numbering, metadata.version("nvtx"))


def _attributes(lib: Any, domain: Any, name: str) -> Any:
    """One adapter for the constructors of both ends; registering the text once keeps pushes from copying it."""
    text = lib.RegisteredString(domain, name)
    try:
        return lib.EventAttributes(domain, text)  # nvtx 0.2.13 and later, tried with 0.2.17
    except (TypeError, AttributeError):
        return lib.EventAttributes(text)  # 0.2.12: no domain; the text, taken for a colour, is an error there


def _numbering(attributes: Any) -> Callable[[int], object]:
    """
    What sets the payload of ``attributes``, bound once.

    The property looks its setter up by type and cost 5 us an inference behind TensorFlow, whose work leaves the
    caches cold; the setter itself cost 1 us. nvtx 0.2.12 has the property alone.
    """
    attributes.payload = 0
    try:
        bound: Callable[[int], object] = attributes._set_payload_int  # noqa: SLF001 -- as all of this layer
    except AttributeError:
        return partial(setattr, attributes, "payload")
    return bound
