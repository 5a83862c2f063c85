"""Reference data: queues, users, flows, teams, dispositions and their sets."""

from __future__ import annotations

from zcc_pipeline.simulator.zoom.account import views
from zcc_pipeline.simulator.zoom.answers import Answer, json_answer, refuse
from zcc_pipeline.simulator.zoom.gateway import Call
from zcc_pipeline.simulator.zoom.listing import ListShape, answer_all
from zcc_pipeline.simulator.zoom.routes.engagements import CHANNELS
from zcc_pipeline.simulator.zoom.routes.people import find_queue, find_user


def list_queues(call: Call) -> Answer:
    """GET /contact_center/queues."""
    channel = call.query.choice("channel", CHANNELS)
    rows = [views.queue(row) for row in call.standin.account.population.queues if channel in (None, row.channel)]
    return answer_all(call, ListShape("queues", 30, 300), rows)


def get_queue(call: Call) -> Answer:
    """GET /contact_center/queues/{queueId}: by the new or the old id."""
    queue_id = call.path_values["queue_id"]
    queue = find_queue(call.standin.account.population, queue_id)
    if queue is None:
        raise refuse(404, 1201, f"Queue does not exist: {queue_id}.")
    return json_answer(views.queue_detail(queue, call.standin.account.population))


def list_users(call: Call) -> Answer:
    """GET /contact_center/users."""
    access, search = call.query.choice("user_access", ("active", "inactive")), call.query.text("search_key")
    rows = [
        views.user(row)
        for row in call.standin.account.population.users
        if access in (None, "active" if row.is_active else "inactive")
        and (search is None or search.lower() in f"{row.name} {row.email}".lower())
    ]
    return answer_all(call, ListShape("users", 30, 300), rows)


def get_user(call: Call) -> Answer:
    """GET /contact_center/users/{userId}: by id or e-mail."""
    user = find_user(call.standin.account.population, call.path_values["user_id"])
    if user is None:
        raise refuse(404, 300, "Invalid user ID.")
    return json_answer(views.user_detail(user))


def list_flows(call: Call) -> Answer:
    """GET /contact_center/flows: at most 100 a page."""
    call.query.choice("status", ("draft", "published", "archived"))
    channel = call.query.choice("channel", (*CHANNELS, "work_item"))
    rows = [views.flow(row) for row in call.standin.account.population.flows if channel in (None, row.channel)]
    return answer_all(call, ListShape("flows", 30, 100), rows)


def get_flow(call: Call) -> Answer:
    """GET /contact_center/flows/{flowId}."""
    flow_id = call.path_values["flow_id"]
    for flow in call.standin.account.population.flows:
        if flow.flow_id == flow_id:
            return json_answer(views.flow(flow))
    raise refuse(404, 3201, f"Flow does not exist: {flow_id}.")


def list_teams(call: Call) -> Answer:
    """GET /contact_center/teams."""
    parent, name = call.query.text("parent_team_id"), call.query.text("team_name")
    rows = [
        views.team(row)
        for row in call.standin.account.population.teams
        if (parent is None or (row.parent is not None and row.parent.team_id == parent)) and name in (None, row.name)
    ]
    return answer_all(call, ListShape("teams", 30, 300), rows)


def list_dispositions(call: Call) -> Answer:
    """GET /contact_center/dispositions: without their lower levels."""
    population = call.standin.account.population
    rows = [views.disposition(row, population) for row in population.dispositions]
    return answer_all(call, ListShape("dispositions", 30, 300), rows)


def get_disposition(call: Call) -> Answer:
    """GET /contact_center/dispositions/{dispositionId}: with its lower levels."""
    disposition_id = call.path_values["disposition_id"]
    for disposition in call.standin.account.population.dispositions:
        if disposition.disposition_id == disposition_id:
            return json_answer(views.disposition_detail(disposition, call.standin.account.population))
    raise refuse(404, 2401, f"Disposition does not exist: {disposition_id}.")


def list_disposition_sets(call: Call) -> Answer:
    """GET /contact_center/dispositions/sets."""
    population = call.standin.account.population
    rows = [views.disposition_set(row, population) for row in population.disposition_sets]
    return answer_all(call, ListShape("disposition_sets", 30, 300), rows)


def get_disposition_set(call: Call) -> Answer:
    """GET /contact_center/dispositions/sets/{dispositionSetId}."""
    set_id = call.path_values["set_id"]
    for found in call.standin.account.population.disposition_sets:
        if found.set_id == set_id:
            return json_answer(views.disposition_set_detail(found, call.standin.account.population))
    raise refuse(404, 2501, f"Set does not exist: {set_id}.")
