"""How are event contracts written down for others? As an Open Data Contract Standard document.

Version 3.1 (Bitol, Linux Foundation). One schema object an event type; the envelope's ``id`` and
``ts`` are properties like the payload's fields. What the standard has no word for (money, quanta,
entity keys, which property is the event's time) stands in ``customProperties`` named ``assay...``,
so that a written document is read back as exactly the same contracts. A document of another
origin is read too, if it says which property identifies an event and which is its time.
"""

from collections.abc import Mapping
from typing import Any

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.odcs_field import (
    at_most,
    custom_of,
    customs,
    field_of,
    list_of,
    object_of,
    property_of,
    text_of,
)
from assay.contracts.violation import ContractViolation, shown_value
from assay.core.errors import Invalid, near_miss
from assay.core.ids import ID_LENGTH_MAX

API_VERSION = "v3.1.0"
#: Versions of the standard whose schema section means the same.
READABLE = ("v3.0.0", "v3.0.1", "v3.0.2", API_VERSION)
#: How many event types, and how many properties of one, a document may have.
OBJECTS_MAX, PROPERTIES_MAX = 500, 2_000
_TOP = frozenset(
    (
        "version", "kind", "apiVersion", "id", "name", "tenant", "tags", "status", "servers",
        "dataProduct", "description", "domain", "schema", "support", "price", "team", "roles",
        "slaDefaultElement", "slaProperties", "authoritativeDefinitions", "customProperties",
        "contractCreatedTs",
    )
)  # fmt: skip


def to_odcs(
    contracts: ContractSet, *, name: str, version: str = "1.0.0", status: str = "active"
) -> dict[str, Any]:
    """A document that describes every event type of a set.

    Args:
        contracts: the event types.
        name: of the document, also its id.
        version: of the document, by its owner's rules.
        status: proposed, draft, active, deprecated or retired.

    Example:
        >>> login = EventContract(type="login", version=2, keys=("user",),
        ...                       fields=(Field(name="user", kind="text"),))
        >>> document = to_odcs(ContractSet([login]), name="shop")
        >>> [item["name"] for item in document["schema"][0]["properties"]]
        ['id', 'ts', 'user']
        >>> list(from_odcs(document)) == [login]
        True
    """
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": name,
        "name": name,
        "version": version,
        "status": status,
        "schema": [_object(contract) for contract in contracts],
    }


def from_odcs(document: object) -> ContractSet:
    """The event types of a document.

    Raises:
        ContractViolation: it is not such a document, or describes what no event contract can
            (nested objects, arrays); says where, what was expected and what came.
        Invalid: a part that is readable makes no valid contract.
    """
    top = object_of("$", document)
    for key in top:
        if key not in _TOP:
            got = f"the unknown name {shown_value(key)}{near_miss(str(key), _TOP)}"
            raise ContractViolation("$", "the names of the standard", got)
    if top.get("kind") != "DataContract":
        raise ContractViolation("$.kind", '"DataContract"', shown_value(top.get("kind")))
    if top.get("apiVersion") not in READABLE:
        expected = "one of " + ", ".join(READABLE)
        raise ContractViolation("$.apiVersion", expected, shown_value(top.get("apiVersion")))
    objects = list_of("$.schema", top.get("schema"))
    at_most("$.schema", objects, OBJECTS_MAX)
    if not objects:
        raise ContractViolation("$.schema", "at least one object", "none")
    return ContractSet(_contract(f"$.schema[{at}]", item) for at, item in enumerate(objects))


def _object(contract: EventContract) -> dict[str, Any]:
    id_name, ts_name = _envelope(contract)
    own: dict[str, Any] = {
        "assayVersion": contract.version,
        "assayEventId": id_name,
        "assayEventTime": ts_name,
        "assayEntityKeys": list(contract.keys),
    }
    event_id = Field(
        name=id_name,
        kind="text",
        length_max=ID_LENGTH_MAX,
        about="identifies the event; the same id with another body is refused",
    )
    ts = Field(name=ts_name, kind="time", about="when it happened")
    properties = [property_of(field) for field in (event_id, ts, *contract.fields)]
    properties[0]["primaryKey"] = properties[0]["unique"] = True
    return {
        "name": contract.type,
        "logicalType": "object",
        "physicalType": "event",
        **({"description": contract.about} if contract.about else {}),
        "properties": properties,
        "customProperties": customs(own),
    }


def _envelope(contract: EventContract) -> tuple[str, str]:
    """How the event's id and time are called beside fields that may have those names."""
    names = ["id", "ts"]
    for at, name in enumerate(names):
        while names[at] in contract.by_name:
            names[at] = f"event_{name}" if names[at] == name else f"{names[at]}_"
    return names[0], names[1]


def _contract(path: str, item: object) -> EventContract:
    found = object_of(path, item)
    properties = list_of(f"{path}.properties", found.get("properties"))
    at_most(f"{path}.properties", properties, PROPERTIES_MAX)
    named = {}
    for at, each in enumerate(properties):
        here = f"{path}.properties[{at}]"
        name = text_of(f"{here}.name", object_of(here, each).get("name"))
        if name in named:
            raise ContractViolation(f"{here}.name", "each property once", f"{name} twice")
        named[name] = (here, object_of(here, each))
    own = custom_of(path, found)
    event_id = _role(path, own, "assayEventId", named, _identifies)
    event_ts = _role(path, own, "assayEventTime", named, _tells_time)
    keys = [
        text_of(f"{path}.assayEntityKeys", key)
        for key in list_of(f"{path}.assayEntityKeys", own.get("assayEntityKeys", []))
    ]
    version = own.get("assayVersion", 1)
    if type(version) is not int or version < 1:
        raise ContractViolation(
            f"{path}.assayVersion", "a whole number of at least 1", shown_value(version)
        )
    try:
        return EventContract(
            type=text_of(f"{path}.name", found.get("name")),
            version=version,
            keys=tuple(keys),
            about=text_of(f"{path}.description", found.get("description", "")),
            fields=tuple(
                field_of(here, each)
                for name, (here, each) in named.items()
                if name not in (event_id, event_ts)
            ),
        )
    except ContractViolation:
        raise
    except Invalid as error:
        raise Invalid(f"{path}: {error}") from error


_Named = Mapping[str, tuple[str, Mapping[str, Any]]]


def _role(path: str, own: Mapping[str, Any], role: str, named: _Named, fits: Any) -> str:
    """The property that plays a role: the one said, or the only one that could."""
    if role in own:
        name = text_of(f"{path}.{role}", own[role])
        if name not in named:
            raise ContractViolation(
                f"{path}.{role}",
                "the name of a property",
                shown_value(name) + near_miss(name, named),
            )
        return name
    candidates = [name for name, (_, each) in named.items() if fits(each)]
    if len(candidates) != 1:
        got = ", ".join(candidates) if candidates else "no property that could be it"
        raise ContractViolation(f"{path}.customProperties", f"{role} to name one property", got)
    return candidates[0]


def _identifies(found: Mapping[str, Any]) -> bool:
    return found.get("logicalType") == "string" and found.get("primaryKey") is True


def _tells_time(found: Mapping[str, Any]) -> bool:
    return found.get("logicalType") == "timestamp" and found.get("required") is True
