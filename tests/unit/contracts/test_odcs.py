"""Documents of the Open Data Contract Standard: ours come back unchanged, others' are read."""

from typing import Any

import pytest

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.odcs import from_odcs, to_odcs
from assay.contracts.violation import ContractViolation
from assay.contracts.yaml_text import YAML_MAX, parse_yaml, write_yaml
from assay.core.errors import Invalid, TooLarge
from assay.workloads.cards.contracts import CONTRACTS as CARDS
from assay.workloads.checkout.contracts import CONTRACTS as CHECKOUT

#: What somebody else would write: no word of ours in it, and parts that are none of our business.
FOREIGN = """
apiVersion: v3.1.0
kind: DataContract
id: 7c2f
version: 2.1.0
status: active
team: {name: payments}
slaProperties: [{property: latency, value: 4, unit: d}]
schema:
  - name: card_payment
    physicalType: table
    description: one row a payment
    properties:
      - {name: payment_id, logicalType: string, primaryKey: true, required: true}
      - {name: paid_at, logicalType: timestamp, required: true}
      - {name: amount, logicalType: number, physicalType: "decimal(18, 4)", required: true}
      - {name: risk, logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 1}}
      - name: country
        logicalType: string
        classification: restricted
        logicalTypeOptions: {maxLength: 2}
        quality:
          - {type: library, metric: nullValues, mustBe: 0}
          - type: library
            metric: invalidValues
            mustBe: 0
            arguments: {validValues: [DE, FR]}
"""


@pytest.mark.parametrize("contracts", [CHECKOUT, CARDS])
def test_what_is_written_is_read_back_as_the_same_contracts(contracts: ContractSet) -> None:
    text = write_yaml(to_odcs(contracts, name="ours"))
    again = from_odcs(parse_yaml(text.encode()))
    assert list(again) == list(contracts)
    assert again.digest == contracts.digest


def test_fields_that_are_called_like_the_envelope_keep_their_names() -> None:
    odd = EventContract(
        type="odd",
        version=3,
        keys=("id",),
        fields=(Field(name="id", kind="text"), Field(name="ts", kind="time", required=False)),
    )
    document = to_odcs(ContractSet([odd]), name="odd")
    names = [item["name"] for item in document["schema"][0]["properties"]]
    assert names == ["event_id", "event_ts", "id", "ts"]
    assert list(from_odcs(document)) == [odd]


def test_a_document_of_another_origin_is_read() -> None:
    [contract] = from_odcs(parse_yaml(FOREIGN.encode()))
    assert (contract.type, contract.keys, contract.about) == (
        "card_payment",
        (),
        "one row a payment",
    )
    assert contract.fields == (
        Field(name="amount", kind="decimal", scale=4),
        Field(name="risk", kind="real", required=False, low=0, high=1),
        Field(
            name="country",
            kind="text",
            required=False,
            sensitivity="personal",
            length_max=2,
            choices=("DE", "FR"),
        ),
    )


def changed(path: str, value: object) -> dict[str, Any]:
    """The document above with one value replaced (``None`` removes it)."""
    document: dict[str, Any] = parse_yaml(FOREIGN.encode())
    *parents, last = path.split(".")
    place: Any = document
    for step in parents:
        place = place[int(step) if step.isdigit() else step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return document


_PROPERTY = "schema.0.properties"


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("kind", "Other", r"\$\.kind"),
        ("apiVersion", "v2.2.2", r"\$\.apiVersion"),
        ("shcema", [], r"Did you mean 'schema'"),
        ("schema", [], r"\$\.schema: expected at least one"),
        ("schema", {}, r"\$\.schema: expected a list"),
        (f"{_PROPERTY}.0.primaryKey", None, "assayEventId to name one property, got no property"),
        (f"{_PROPERTY}.1.required", None, "assayEventTime to name one property"),
        (f"{_PROPERTY}.2.logicalType", "object", r"properties\[2\]\.logicalType"),
        (f"{_PROPERTY}.3.name", "amount", r"properties\[3\]\.name: expected each property once"),
        (f"{_PROPERTY}.3.required", "yes", r"properties\[3\]\.required: expected true or false"),
        (f"{_PROPERTY}.4.logicalTypeOptions.pattern", "x", "pattern: expected .* not checked"),
        (f"{_PROPERTY}.4.logicalTypeOptions.maxLength", 0, "maxLength: expected a positive"),
        (f"{_PROPERTY}.2.name", "Amount", r"\$\.schema\[0\].*Amount"),
        ("schema.0.customProperties", [{"property": "assayVersion", "value": 0}], "assayVersion"),
        (
            "schema.0.customProperties",
            [{"property": "assayEventId", "value": "pid"}],
            "assayEventId",
        ),
    ],
)
def test_what_cannot_be_a_contract_is_refused_where_it_stands(
    path: str, value: object, where: str
) -> None:
    with pytest.raises(Invalid, match=where):
        from_odcs(changed(path, value))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: &x [1]\nb: *x", "no aliases, got one in line 2"),
        ("a: 1\na: 2", 'each name once, got "a" again in line 2'),
        ("a: [1", "expected YAML"),
        ("a: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("[" * 5_000, "nested too deeply"),
    ],
)
def test_a_text_that_says_more_than_one_thing_is_refused(text: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        parse_yaml(text.encode())


def test_bytes_are_bounded_and_are_utf_8() -> None:
    with pytest.raises(TooLarge):
        parse_yaml(b"#" * (YAML_MAX + 1))
    with pytest.raises(Invalid, match="0xff"):
        parse_yaml(b"\xff")
    with pytest.raises(ContractViolation, match=r"\$: expected an object, got null"):
        from_odcs(parse_yaml(b""))


@pytest.mark.parametrize(
    "text",
    [
        "? [a]\n: b",
        "? {a: 1}\n: b",
        "a: " + "9" * 5_000,
        "a: !!int x",
        "a: !!float x",
        "a: !!bool x",
        "a: !!timestamp x",
    ],
)
def test_a_value_that_yaml_cannot_read_is_an_error_of_ours(text: str) -> None:
    with pytest.raises(Invalid, match="expected"):
        parse_yaml(text.encode())


@pytest.mark.parametrize(
    "told",
    [
        "number, logicalTypeOptions: {minimum: .nan}",
        "number, logicalTypeOptions: {maximum: .inf}",
        "integer, logicalTypeOptions: {minimum: 5, maximum: 3}",
        "string, logicalTypeOptions: {minLength: 5}",
        "string, logicalTypeOptions: {maxlength: 5}",
        "string, logicalTypeOptions: {format: uuid}",
        "timestamp, logicalTypeOptions: {minimum: 5}",
        "number, physicalType: 'decimal(18," + "9" * 5_000 + ")'",
    ],
)
def test_what_the_door_would_not_check_is_not_promised(told: str) -> None:
    of_x = f"- {{name: x, logicalType: {told}}}"
    document = f"""
apiVersion: v3.1.0
kind: DataContract
schema:
- name: paid
  properties:
  - {{name: id, logicalType: string, primaryKey: true}}
  - {{name: ts, logicalType: timestamp, required: true}}
  {of_x}
"""
    if "decimal" in told:  # not a decimal of ours: a plain number
        assert from_odcs(parse_yaml(document.encode())).get("paid").field("x").kind == "real"
        return
    with pytest.raises(Invalid, match=r"bounds|door"):
        from_odcs(parse_yaml(document.encode()))


def test_a_field_that_no_document_can_say_is_refused() -> None:
    with pytest.raises(Invalid, match=r"'n' \(int\): only a text is closed to choices"):
        Field(name="n", kind="int", choices=("1",))
    with pytest.raises(Invalid, match=r"'n' \(time\): only int, money, decimal, real have bounds"):
        Field(name="n", kind="time", low=0)
    with pytest.raises(Invalid, match="expected a positive length, got 0"):
        Field(name="n", kind="text", length_max=0)


def test_any_names_beside_the_envelope_are_read_back() -> None:
    fields = tuple(Field(name=name, kind="text") for name in ("id", "event_id", "event_id_"))
    odd = EventContract(type="odd", version=1, keys=(), fields=fields)
    assert list(from_odcs(to_odcs(ContractSet([odd]), name="odd"))) == [odd]
