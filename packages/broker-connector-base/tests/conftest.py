"""Failures of the shipped suite show their values, as those of tests do."""

import pytest

pytest.register_assert_rewrite(
    "broker_connector_base.testing.contract_of_closing",
    "broker_connector_base.testing.contract_of_foreign_orders",
    "broker_connector_base.testing.contract_of_foresight",
    "broker_connector_base.testing.contract_of_orders",
    "broker_connector_base.testing.contract_of_reading",
    "broker_connector_base.testing.contract_of_sessions",
)
