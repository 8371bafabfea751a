"""Where secrets are kept: the keyring, memory, or a file behind a passphrase."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.domain.audit import AuditAction
from app.domain.settings import SecretBackendKind
from app.text.status import texts
from app.ui.settings.page import SettingsPage
from tests.ui.controls import text_in
from tests.ui.settings.page_harness import Harness, InHarness
from tests.waiting import until


def test_without_a_keyring_one_can_choose_memory(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = harness.secrets
        assert section.place == "none"
        assert "Em lugar nenhum" in section.badge.accessibleName()
        section.memory_button.click()
        await harness.settle()
        assert section.place == "memory"
        assert "Somem quando o Conecta fechar" in text_in(section)
        assert not section.memory_button.isVisible()
        section.keyring_button.click()
        await harness.settle()
        assert "Nenhum cofre de senhas respondeu." in section.message

    in_harness(use)


def test_a_file_wants_its_passphrase_twice_and_forgets_what_was_typed(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = harness.secrets
        section.phrase.setText("quatro palavras quaisquer bastam")
        assert not section.keep_button.isEnabled()
        section.again.setText("quatro palavras quaisquer")
        assert not section.keep_button.isEnabled()
        section.again.setText("quatro palavras quaisquer bastam")
        section.keep_button.click()
        await until(lambda: section.place == "encrypted_file")  # a key is derived in a thread
        await harness.settle()
        assert section.phrase.text() == section.again.text() == ""
        assert "secrets.enc" in text_in(section)
        assert not section._file.isVisible()
        lines = {part: line.isVisible() for part, line in section._lines.items()}
        assert lines == {section._now: True, section._file: False, section._other: True}, "no line over nothing"

    in_harness(use)


def test_a_short_passphrase_is_told_to_be(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        for field in (harness.secrets.phrase, harness.secrets.again):
            field.setText("curta")
        harness.secrets.keep_button.click()
        await harness.settle()
        assert "A frase secreta tem menos de" in harness.secrets.message
        assert harness.secrets.phrase.text() == "curta"  # so that it can be made longer

    in_harness(use)


def test_a_locked_file_is_opened_or_set_aside(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        await harness.settings_harness.secret_store.use_file("quatro palavras quaisquer bastam")
        page = SettingsPage(
            theme=harness.page._theme,
            sections=harness.settings_harness.sections(
                harness.page._theme, harness.settings_harness.new_secret_store()
            ),
        )
        page.resize(1180, 800)
        page.show()
        harness.page = page
        await harness.settle()
        section = harness.secrets
        assert section.place == "locked_file"
        assert not section.again.isVisible()
        section.phrase.setText("outra frase que não é esta")
        section.keep_button.click()
        await harness.settle()
        assert "não abre o arquivo" in section.message
        section.aside_button.click()
        assert "outro nome" in await harness.answer(accept=False)
        assert section.place == "locked_file"
        assert harness.outcomes()[-1] == (AuditAction.SET_SECRETS_PLACE, "declined")
        section.phrase.setText("quatro palavras quaisquer bastam")
        QTest.keyClick(section.phrase, Qt.Key.Key_Return)
        await harness.settle()
        assert section.place == "encrypted_file"
        page.close()
        page.deleteLater()

    in_harness(use)


@pytest.mark.parametrize("place", SecretBackendKind)
@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_every_place_of_secrets_says_what_it_means(
    in_harness: InHarness, place: SecretBackendKind, language: str
) -> None:
    async def use(harness: Harness) -> None:
        texts.set_language(language)
        harness.secrets._show(place)
        assert harness.secrets._now.line.text().endswith(".")

    in_harness(use)
