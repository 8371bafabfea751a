"""Who is in the demo. Nobody: the names are made up, and the numbers were chosen because they look like it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Person:
    """A mentorado of the demo, and the number of their phone."""

    name: str
    number: str  # as staff type it
    cohort: str

    @property
    def digits(self) -> str:
        """The number as phones know it."""
        return "55" + "".join(filter(str.isdigit, self.number))


ANA: Final = Person("Ana Clara Prates", "11 90000-0001", "Turma 12")
BRUNO: Final = Person("Bruno Tavares", "21 90000-0002", "Turma 12")
CAMILA: Final = Person("Camila de Sá", "31 90000-0003", "Turma 12")
DAVI: Final = Person("Davi Nóbrega", "41 90000-0004", "Turma 13")
ESTER: Final = Person("Ester Guimarães", "51 90000-0005", "Turma 13")
FABIO: Final = Person("Fábio Rebouças", "61 90000-0006", "Turma 13")
GABRIELA: Final = Person("Gabriela Falcão", "71 90000-0007", "Mentoria individual")
HEITOR: Final = Person("Heitor Siqueira", "81 90000-0008", "Mentoria individual")
INES: Final = Person("Inês Cavalcanti", "85 90000-0009", "Turma 14")
JULIA: Final = Person("Júlia Torquato", "91 90000-0010", "Turma 14")
LUCAS: Final = Person("Lucas Estêvão", "92 90000-0011", "Turma 14")
MARINA: Final = Person("Marina Xavier", "98 90000-0012", "Turma 14")

CAST: Final = (ANA, BRUNO, CAMILA, DAVI, ESTER, FABIO, GABRIELA, HEITOR, INES, JULIA, LUCAS, MARINA)

STRANGER: Final = "5511900009999"
"""The phone that reads a code which was not meant for it."""
