"""Who and what the account consists of: queues, agents, teams, flows, inboxes, dispositions and surveys."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from zcc_pipeline.simulator.zoom.account.chance import between, new_id, pick, stream
from zcc_pipeline.simulator.zoom.account.names import AGENT_NAMES

#: when the account was set up; reference data carries times around it
ACCOUNT_BORN = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)


@dataclass(slots=True, eq=False)
class Team:
    """A team of agents; the region's team is the parent of the others."""

    team_id: str
    name: str
    description: str
    parent: Team | None = None


@dataclass(slots=True, eq=False)
class Agent:
    """A user who takes engagements."""

    user_id: str
    cc_user_id: str
    name: str
    email: str
    team: Team
    role: str = "Contact Center Agent"
    is_active: bool = True


@dataclass(slots=True, eq=False)
class Inbox:
    """A voicemail inbox and its settings."""

    inbox_id: str
    name: str
    description: str
    has_transcription: bool
    retention_days: int = 30


@dataclass(slots=True, eq=False)
class Disposition:
    """What an agent can choose at the end; ``parts`` are the levels below, each ``(id, name, index, parent index)``."""

    disposition_id: str
    name: str
    description: str
    is_active: bool = True
    parts: tuple[tuple[str, str, int, int], ...] = ()


@dataclass(slots=True, eq=False)
class DispositionSet:
    """A named set of dispositions for some queues."""

    set_id: str
    name: str
    dispositions: tuple[Disposition, ...]
    queues: tuple[Queue, ...] = ()


@dataclass(slots=True, eq=False)
class Flow:
    """The flow that brings engagements to queues."""

    flow_id: str
    name: str
    channel: str
    source: str
    number: str
    version: int


@dataclass(slots=True, eq=False)
class Queue:
    """A queue of one channel; ``legacy_id`` is the deprecated task-queue id."""

    queue_id: str
    legacy_id: str
    name: str
    channel: str
    topics: tuple[str, ...]
    agents: tuple[Agent, ...] = ()
    dispositions: tuple[Disposition, ...] = ()
    inbox: Inbox | None = None


@dataclass(slots=True, eq=False)
class Survey:
    """A survey with its questions ``(id, text, type)``; type 0 is a score, 5 a choice, 7 free text."""

    survey_id: str
    name: str
    questions: tuple[tuple[str, str, int], ...]


@dataclass(slots=True, eq=False)
class Population:
    """Everything that exists before the first engagement."""

    account_id: str
    teams: list[Team] = field(default_factory=list)
    users: list[Agent] = field(default_factory=list)
    inboxes: list[Inbox] = field(default_factory=list)
    dispositions: list[Disposition] = field(default_factory=list)
    disposition_sets: list[DispositionSet] = field(default_factory=list)
    queues: list[Queue] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    surveys: list[Survey] = field(default_factory=list)

    def queues_of(self, channel: str) -> list[Queue]:
        """The queues of one channel."""
        return [queue for queue in self.queues if queue.channel == channel]

    def flows_of(self, channel: str, source: str) -> list[Flow]:
        """The flows of one channel and source."""
        return [flow for flow in self.flows if (flow.channel, flow.source) == (channel, source)]


_TEAMS = (
    ("Customer Care Americas", "All agents", None),
    ("Billing", "Invoices and payments", 0),
    ("Technical Support", "Devices, log-ins, outages", 0),
    ("Sales and Retention", "", 0),
)
_QUEUES = (
    ("Billing Voice", "voice", ("double_charge", "refund"), 1),
    ("Support Voice", "voice", ("login", "device"), 2),
    ("Sales Voice", "voice", ("upgrade", "cancel"), 3),
    ("Video Advice", "video", ("device", "upgrade"), 2),
    ("Web Chat", "messaging", ("login", "delivery", "refund"), 2),
    ("SMS and WhatsApp", "messaging", ("delivery", "double_charge"), 1),
    ("E-mail Care", "email", ("refund", "delivery", "cancel"), 1),
    ("E-mail Technical 技術サポート", "email", ("device", "login"), 2),
)
_DISPOSITIONS: tuple[tuple[str, str, tuple[tuple[str, int, int], ...]], ...] = (
    ("Resolved", "Solved in this engagement", ()),
    ("Follow-up needed", "Somebody has to come back to the customer", ()),
    ("Wrong number", "", ()),
    ("No reply", "The customer did not answer any more", ()),
    ("Refund", "Money goes back", (("Refund approved", 1, 0), ("Refund refused", 2, 0), ("Store credit", 3, 1))),
    ("Technical", "Device or access", (("Password reset", 1, 0), ("Hardware fault", 2, 0), ("Replacement sent", 3, 2))),
    ("Sale", "Order placed", (("Upgrade", 1, 0), ("New contract", 2, 0))),
    ("Cancellation", "Contract ends", (("Price", 1, 0), ("Moved away", 2, 0))),
    ("Complaint 😠", "Handled by the complaints desk", ()),
    ("Spam", "Not used any more", ()),
)
_FLOWS = (
    ("Main line", "voice", ""),
    ("After-hours line", "voice", ""),
    ("Website video", "video", "web_video"),
    ("Website chat", "messaging", "web_chat"),
    ("Text us", "messaging", "sms"),
    ("WhatsApp", "messaging", "whatsapp"),
    ("Care mailbox", "email", "email_address"),
)


def build_population(seed: int) -> Population:
    """The same people and settings for the same seed, whatever the days and the load."""
    rng = stream(seed, "population")
    population = Population(account_id=new_id(rng))
    for name, description, parent in _TEAMS:
        above = None if parent is None else population.teams[parent]
        population.teams.append(Team(new_id(rng), name, description, above))
    for number, name in enumerate(AGENT_NAMES):
        team = population.teams[1 + number % 3]
        role = "Contact Center Supervisor" if number % 12 == 0 else "Contact Center Agent"
        population.users.append(
            Agent(new_id(rng), new_id(rng), name, f"{_slug(name)}@example.com", team, role, is_active=number != 23)
        )
    population.inboxes += [
        Inbox(new_id(rng), "General voicemail", "Messages for every queue", has_transcription=True),
        Inbox(new_id(rng), "After-hours voicemail", "", has_transcription=False),
    ]
    population.dispositions += [_disposition(rng, *row) for row in _DISPOSITIONS]
    _add_queues(rng, population)
    for name, channel, source in _FLOWS:
        line = f"+1212555{between(rng, 100, 199):04d}" if channel == "voice" or source in {"sms", "whatsapp"} else ""
        population.flows.append(Flow(new_id(rng), name, channel, source, line, between(rng, 3, 40)))
    population.surveys += [
        Survey(
            new_id(rng),
            name,
            (
                (new_id(rng), "How satisfied are you with the help you got?", 0),
                (new_id(rng), "Was your request solved?", 5),
                (new_id(rng), "Anything you want to tell us?", 7),
            ),
        )
        for name in ("After the call", "After the chat")
    ]
    return population


def _disposition(rng: Random, name: str, description: str, levels: tuple[tuple[str, int, int], ...]) -> Disposition:
    parts = tuple((new_id(rng), part, index, parent) for part, index, parent in levels)
    return Disposition(new_id(rng), name, description, is_active=name != "Spam", parts=parts)


def _add_queues(rng: Random, population: Population) -> None:
    usable = [disposition for disposition in population.dispositions if disposition.is_active]
    for name, channel, topics, team in _QUEUES:
        members = [user for user in population.users if user.team is population.teams[team] and user.is_active]
        others = [user for user in population.users if user not in members and user.is_active]
        agents = (*members, pick(rng, others), pick(rng, others))
        inbox = population.inboxes[0 if name != "Sales Voice" else 1] if channel == "voice" else None
        population.queues.append(
            Queue(
                new_id(rng),
                "ZWQ" + new_id(rng)[:19],
                name,
                channel,
                topics,
                tuple(dict.fromkeys(agents)),
                tuple(usable),
                inbox,
            )
        )
    population.disposition_sets += [
        DispositionSet(new_id(rng), "Care", tuple(usable[:6]), tuple(population.queues[:2] + population.queues[4:7])),
        DispositionSet(new_id(rng), "Sales", tuple(usable[6:8]), (population.queues[2],)),
    ]


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    return plain.lower().replace(" ", ".")
