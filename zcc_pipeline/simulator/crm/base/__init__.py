"""What the CRMs' stand-ins share: one request in, one answer out, and everything that may happen in between."""

from zcc_pipeline.simulator.crm.base.answers import Answer, RefusedError, empty, json_answer
from zcc_pipeline.simulator.crm.base.faults import Faults
from zcc_pipeline.simulator.crm.base.limits import Exceeded, Limit, Limits
from zcc_pipeline.simulator.crm.base.multipart import Part, parse_multipart
from zcc_pipeline.simulator.crm.base.options import Credentials, CrmOptions, Person
from zcc_pipeline.simulator.crm.base.request import Request
from zcc_pipeline.simulator.crm.base.routing import Route, Router
from zcc_pipeline.simulator.crm.base.server import RunningStandIn, running
from zcc_pipeline.simulator.crm.base.standin import CrmStandIn
from zcc_pipeline.simulator.crm.base.tokens import Grant, IssuedToken, Tokens, read_grant

__all__ = [
    "Answer",
    "Credentials",
    "CrmOptions",
    "CrmStandIn",
    "Exceeded",
    "Faults",
    "Grant",
    "IssuedToken",
    "Limit",
    "Limits",
    "Part",
    "Person",
    "RefusedError",
    "Request",
    "Route",
    "Router",
    "RunningStandIn",
    "Tokens",
    "empty",
    "json_answer",
    "parse_multipart",
    "read_grant",
    "running",
]
