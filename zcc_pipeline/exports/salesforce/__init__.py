"""Salesforce: a custom object per engagement, upserted by its unique external id.

In: ``config`` (credentials, limits), ``client`` (requests), ``answers`` (what errors mean), ``queries`` (SOQL),
``metadata`` and ``examining`` (the org against the mapping), ``people`` (customers and owners), ``rows``, ``jobs``,
``attaching``, ``writing`` (the way of a batch), ``destination`` (what ``sync`` sees).
"""

from zcc_pipeline.exports.salesforce.config import SalesforceConfig
from zcc_pipeline.exports.salesforce.destination import SalesforceDestination

__all__ = ["SalesforceConfig", "SalesforceDestination"]
