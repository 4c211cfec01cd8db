"""What does a YAML text say, if it says one thing only? Bounded, without aliases or doubled keys.

An alias can stand for a billion copies, of two equal keys readers keep one without a word, and a
date is whatever a reader makes of it: none of that belongs in a contract.
"""

from typing import Any

import yaml

from assay.contracts.violation import ContractViolation, shown_value
from assay.core.errors import Invalid, TooLarge

YAML_MAX = 1 << 20  #: bytes of one document


class _Loader(yaml.SafeLoader):
    """Safe, without aliases, doubled keys or dates."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # yaml is untyped
            raise ContractViolation("$", "no aliases", f"one in line {mark.line + 1}")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                where = f"something else in line {key.start_mark.line + 1}"
                raise ContractViolation("$", "names that are plain words", where)
            if key.value in seen:
                where = f"{shown_value(key.value)} again in line {key.start_mark.line + 1}"
                raise ContractViolation("$", "each name once", where)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


# A text such as 2026-01-01 stays the text it is.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse_yaml(raw: bytes) -> Any:
    """The value of one YAML document (JSON is YAML too).

    Raises:
        TooLarge: longer than 1 MiB.
        ContractViolation: an alias, or a name given twice.
        Invalid: not UTF-8, or not YAML; says the line.

    Example:
        >>> parse_yaml(b"a: [1, 2026-01-01]")
        {'a': [1, '2026-01-01']}
    """
    if len(raw) > YAML_MAX:
        raise TooLarge(f"expected a document of at most {YAML_MAX} bytes, got {len(raw)}")
    try:
        return yaml.load(raw.decode(), Loader=_Loader)  # noqa: S506 - a safe loader, made stricter
    except ContractViolation:
        raise  # it is a ValueError too
    except UnicodeDecodeError as error:
        raise Invalid(f"expected UTF-8, got the byte {error.object[error.start]:#x}") from error
    except yaml.YAMLError as error:
        raise Invalid(f"expected YAML: {error}") from error
    except (ValueError, LookupError, AttributeError) as error:
        # The reader's own words for `!!int x`, `!!bool x`, `!!timestamp x` or 5,000 digits.
        raise Invalid(f"expected YAML, got a value that is not of its kind: {error}") from error
    except RecursionError as error:
        raise Invalid("expected a flat document, got one nested too deeply") from error


def write_yaml(value: object) -> str:
    """A value as YAML, its names in the order given."""
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
    return text
