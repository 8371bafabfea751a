"""The Cloud API and the program in front of it, as the tests of that provider have them."""

from __future__ import annotations

from tests.acceptance.meta_cloud.conftest import cloud, harness, no_proxy, url

__all__ = ["cloud", "harness", "no_proxy", "url"]
