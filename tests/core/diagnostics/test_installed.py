"""Which versions go together (docs/decisions/0001)."""

from __future__ import annotations

import pytest

from app.core.diagnostics.computer import versions
from app.domain.diagnosis import DiagnosisCode

C = DiagnosisCode


@pytest.mark.parametrize(
    ("python", "pyside", "shiboken", "codes"),
    [
        ((3, 11, 7), "6.11.3", "6.11.3", [C.VERSIONS_FINE]),
        ((3, 14, 0), "6.11.4", "6.11.4", [C.VERSIONS_FINE]),
        ((3, 11, 7), "6.12.0", "6.12.0", [C.PYSIDE_PITFALL]),
        ((3, 12, 1), "6.12.0", "6.12.0", [C.PYSIDE_UNSUPPORTED]),
        ((3, 11, 7), "6.10.3", "6.10.3", [C.PYSIDE_UNSUPPORTED]),
        ((3, 11, 7), "6.11.3", "6.11.2", [C.SHIBOKEN_DIFFERS]),
        ((3, 11, 7), "6.11.3", None, [C.SHIBOKEN_DIFFERS]),
        ((3, 11, 7), "6.11.3rc1", "6.11.3rc1", [C.PYSIDE_UNSUPPORTED]),
        ((3, 11, 7), None, None, [C.PYSIDE_MISSING]),
        ((3, 10, 2), "6.11.3", "6.11.3", [C.PYTHON_UNSUPPORTED]),
        ((3, 15, 0), "6.11.3", "6.11.3", [C.PYTHON_UNSUPPORTED]),
        ((3, 10, 2), "6.12.0", "6.11.3", [C.PYTHON_UNSUPPORTED, C.PYSIDE_PITFALL, C.SHIBOKEN_DIFFERS]),
    ],
)
def test_versions(python: tuple[int, int, int], pyside: str | None, shiboken: str | None, codes: list[C]) -> None:
    installed = {"PySide6-Essentials": pyside, "shiboken6": shiboken}
    found = versions(python, installed.get)
    assert [each.code for each in found] == codes
    assert found[0].evidence["wanted"] == ">=6.11.3,<6.12"
