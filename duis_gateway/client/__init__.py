"""The adapter kit: what a supplier, a CSP or DCC needs to speak with the gateway (docs/client.md).

me = Identity.load("me.key", "me.pem")
trust = Trust.folder("pki")
gateway = Gateway("https://gateway.example", identity=me, trust=trust)
answer = gateway.send(PreferredPilotList("SEC-2026-11-A", "9002", devices=["00-DB-12-34-56-00-00-01"]))

receiver = Receiver(me, trust)

@receiver.on(Alert.N64)
def activated(alert):
    print(alert.body.device_id, "runs", alert.body.firmware_version)

app = receiver.wsgi
"""

from duis_gateway.client.alerts import Alert, DUISVersionMismatch, PartOf
from duis_gateway.client.answers import Answer, Device
from duis_gateway.client.as_json import from_json, to_json
from duis_gateway.client.counters import Counter, FileCounter, TimeCounter
from duis_gateway.client.errors import (
    CannotSend,
    ClientError,
    Finding,
    IdReused,
    NoAnswer,
    NotListening,
    NotNow,
    NotProven,
    NotUnderstood,
    Problem,
    Refused,
    SetupWrong,
    TlsFailed,
)
from duis_gateway.client.gateway import DOORS, Gateway, Journal, Prepared
from duis_gateway.client.http import TlsIdentity
from duis_gateway.client.identity import Identity
from duis_gateway.client.inbox import Inbox
from duis_gateway.client.messages import Message
from duis_gateway.client.party_door import Checked, PartyDoor
from duis_gateway.client.receiver import Receiver
from duis_gateway.client.repeats import InFile, InMemory, Repeats
from duis_gateway.client.requests import (
    Group,
    PreferredPilotList,
    PreferredPilotSchedule,
    ReadInventory,
    ServiceRequest,
    Stage,
)
from duis_gateway.client.server import Serving
from duis_gateway.client.trust import Proof, Trust
from duis_gateway.duis.eui import Eui

__all__ = [
    "DOORS",
    "Alert",
    "Answer",
    "CannotSend",
    "Checked",
    "ClientError",
    "Counter",
    "DUISVersionMismatch",
    "Device",
    "Eui",
    "FileCounter",
    "Finding",
    "Gateway",
    "Group",
    "IdReused",
    "Identity",
    "InFile",
    "InMemory",
    "Inbox",
    "Journal",
    "Message",
    "NoAnswer",
    "NotListening",
    "NotNow",
    "NotProven",
    "NotUnderstood",
    "PartOf",
    "PartyDoor",
    "PreferredPilotList",
    "PreferredPilotSchedule",
    "Prepared",
    "Problem",
    "Proof",
    "ReadInventory",
    "Receiver",
    "Refused",
    "Repeats",
    "ServiceRequest",
    "Serving",
    "SetupWrong",
    "Stage",
    "TimeCounter",
    "TlsFailed",
    "TlsIdentity",
    "Trust",
    "from_json",
    "to_json",
]
