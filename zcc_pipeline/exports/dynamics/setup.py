"""Publisher, solution, table, columns, look-up and key: made where the application user may, told where he may not.

What is there already is left as it is, so that everything can be asked for again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import httpx

from zcc_pipeline.domain.errors import NotFound
from zcc_pipeline.exports.calls import Call, CrmRefused, Safety
from zcc_pipeline.exports.destination import SetupStep
from zcc_pipeline.exports.dynamics import definitions, queries
from zcc_pipeline.exports.dynamics.client import HEADERS, DynamicsClient, Json
from zcc_pipeline.exports.dynamics.metadata import ACTIVE, Definitions, Table
from zcc_pipeline.exports.dynamics.rows import Plan
from zcc_pipeline.exports.mapping import FieldRule, Target

SOLUTION = "zccpipeline"
_NAME = "zcc-pipeline"
_OPTION_PREFIX = 72_100
_KEY_LENGTH = 100
_DEFINITION_SECONDS = 300.0
"""Making a table takes a minute and more."""


class Setup:
    """One run of ``zcc export dynamics --setup``."""

    def __init__(self, client: DynamicsClient, known: Definitions) -> None:
        self._client = client
        self._known = known
        self.steps: list[SetupStep] = []
        self._language: int | None = None

    async def prepare(self, plan: Plan, target: Target) -> None:
        """Everything that one target needs."""
        self._known.forget()
        table = await self._known.load(plan.logical)
        prefix = plan.key_field.partition("_")[0]
        if _is_something_missing(plan, target, table, prefix) and not await self._solution(prefix):
            return
        if table is None:
            if plan.is_phone_call or not await self._table(plan, target):
                return
            self._known.forget()
            table = await self._known.load(plan.logical)
        if table is not None:
            await self._columns(plan, target, table, prefix)
            await self._contact_link(plan, table)
            await self._key(plan, table)
        self._known.forget()

    async def _solution(self, prefix: str) -> bool:
        """A publisher owns the prefix of names, a solution holds what we make, so that it can be taken elsewhere."""
        step = f"publisher with the prefix {prefix}"
        remedy = f"in make.powerapps.com, Solutions, Publishers: a publisher with the prefix {prefix}"
        publisher = await self._find("publishers", "publisherid", queries.equals("customizationprefix", prefix))
        if publisher is None:
            body: Json = {"uniquename": f"{prefix}publisher", "friendlyname": _NAME, "customizationprefix": prefix}
            body["customizationoptionvalueprefix"] = _OPTION_PREFIX
            if not await self._try(step, lambda: self._make("publishers", body), remedy):
                return False
            publisher = await self._find("publishers", "publisherid", queries.equals("customizationprefix", prefix))
        else:
            self._there(step)
        step = f"solution {SOLUTION}"
        if await self._find("solutions", "solutionid", queries.equals("uniquename", SOLUTION)) is not None:
            self._there(step)
            return True
        solution = {"uniquename": SOLUTION, "friendlyname": _NAME, "version": "1.0.0.0"}
        solution["publisherid@odata.bind"] = f"/publishers({publisher})"
        remedy = f"in make.powerapps.com, Solutions: a solution named {SOLUTION} of that publisher"
        return await self._try(step, lambda: self._make("solutions", solution), remedy)

    async def _table(self, plan: Plan, target: Target) -> bool:
        name, length = _name_column(plan, target)
        body = definitions.table(plan.logical, definitions.text_column(name, length, is_name=True))
        remedy = (
            f"in make.powerapps.com, Solutions, {_NAME}: a table {plan.logical} (owned by users, with attachments) "
            f"whose primary column is {name}"
        )
        return await self._try(f"table {plan.logical}", lambda: self._define("EntityDefinitions", body), remedy)

    async def _columns(self, plan: Plan, target: Target, table: Table, prefix: str) -> None:
        where = f"{_definition(plan.logical)}/Attributes"
        for name, body in _wanted_columns(plan, target, prefix).items():
            if name in table.columns:
                continue
            size = f" of {body['MaxLength']} characters" if "MaxLength" in body else ""
            remedy = f"add a column {name} ({body['AttributeType']}{size}) to the table {plan.logical}"
            if not await self._try(f"column {name}", partial(self._define, where, body), remedy):
                return

    async def _contact_link(self, plan: Plan, table: Table) -> None:
        link = plan.options.customer_link
        if link is None or not _is_link_missing(plan, table):
            return
        body = definitions.contact_link(plan.logical, link)
        remedy = f"add a look-up column {link} to contacts to the table {plan.logical}"
        await self._try(f"look-up {link}", lambda: self._define("RelationshipDefinitions", body), remedy)

    async def _key(self, plan: Plan, table: Table) -> None:
        if plan.options.identify_by != "key":
            return
        step = f"alternate key on {plan.key_field}"
        if (plan.key_field,) not in table.keys:
            where = f"{_definition(plan.logical)}/Keys"
            remedy = f"in the table {plan.logical}, Keys: a key on {plan.key_field} alone"
            body = definitions.key(plan.key_field)
            if not await self._try(step, lambda: self._define(where, body), remedy):
                return
            self._known.forget()
        again = await self._known.load(plan.logical)
        status = again.keys.get((plan.key_field,)) if again is not None else None
        if status != ACTIVE:
            text = f"its index is {status}: Dataverse builds it in the background; run this again until it is Active"
            self.steps.append(SetupStep(f"{step}: index", is_done=False, text=text))
        elif (plan.key_field,) in table.keys:
            self._there(step)

    async def _find(self, entity_set: str, column: str, test: str) -> str | None:
        options = {"$select": column, "$filter": test, "$top": "1"}
        rows = await self._client.rows(f"{entity_set}{queries.query(options)}", f"look for {entity_set}")
        return str(rows[0][column]) if rows else None

    async def _make(self, entity_set: str, body: Json) -> httpx.Response:
        return await self._client.post(entity_set, body, f"make {entity_set}")

    async def _base_language(self) -> int:
        if self._language is None:
            rows = await self._client.rows("organizations?$select=languagecode", "read the base language")
            self._language = int(rows[0].get("languagecode") or definitions.ENGLISH) if rows else definitions.ENGLISH
        return self._language

    async def _define(self, path: str, body: Json) -> httpx.Response:
        call = Call(
            "POST",
            path,
            "make definition",
            Safety.ONCE,
            json=definitions.in_language(body, await self._base_language()),
            headers={**HEADERS, "MSCRM.SolutionUniqueName": SOLUTION},
            timeout_seconds=_DEFINITION_SECONDS,
        )
        return await self._client.session.send(call)

    async def _try(self, step: str, make: Callable[[], Awaitable[object]], remedy: str) -> bool:
        try:
            await make()
        except (CrmRefused, NotFound) as refused:
            said = refused.message if isinstance(refused, CrmRefused) else str(refused)
            self.steps.append(SetupStep(step, is_done=False, text=f"Dataverse refuses ({said}): {remedy}"))
            return False
        self.steps.append(SetupStep(step, is_done=True, text="made"))
        return True

    def _there(self, step: str) -> None:
        self.steps.append(SetupStep(step, is_done=True, text="is there"))


def _definition(logical: str) -> str:
    return queries.address("EntityDefinitions", queries.by_key("LogicalName", logical))


def _is_something_missing(plan: Plan, target: Target, table: Table | None, prefix: str) -> bool:
    if table is None:
        return True
    columns = _wanted_columns(plan, target, prefix).keys() <= table.columns.keys()
    has_key = plan.options.identify_by != "key" or (plan.key_field,) in table.keys
    return not columns or not has_key or _is_link_missing(plan, table)


def _is_link_missing(plan: Plan, table: Table) -> bool:
    link = plan.options.customer_link
    return link is not None and not plan.is_phone_call and link not in table.links


def _wanted_columns(plan: Plan, target: Target, prefix: str) -> dict[str, Json]:
    """The key's column, and those that the mapping fills."""
    key = {plan.key_field: definitions.text_column(plan.key_field, _KEY_LENGTH)}
    return key | {name: definitions.column_for(name, rule) for name, rule in _own(target.fields, prefix).items()}


def _own(fields: Mapping[str, FieldRule], prefix: str) -> dict[str, FieldRule]:
    """Columns that are ours to make: the CRM's own are there or will never be."""
    return {name: rule for name, rule in fields.items() if name.startswith(f"{prefix}_")}


def _name_column(plan: Plan, target: Target) -> tuple[str, int]:
    """The column that people see: the one with the subject."""
    for name, rule in target.fields.items():
        if rule.source == "subject":
            return name, min(rule.cut or rule.cut_at_sentence or 200, 850)
    return f"{plan.logical.partition('_')[0]}_name", 200
