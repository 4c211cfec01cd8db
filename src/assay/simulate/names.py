"""What are guests called? A 32-bit word makes a full name, and nearly every word another one."""

_FIRST = (
    *("Anna", "Ben", "Carla", "David", "Elena", "Félix", "Greta", "Hugo", "Inês", "Jakub"),
    *("Katarzyna", "Léa", "Marco", "Nadia", "Olivia", "Paweł", "Quentin", "Rosa", "Sven", "Teresa"),
    *("Ulrich", "Valentina", "Wim", "Yasmin", "Zoë", "Åsa", "Björn", "Chloé", "Dario", "Emil"),
    *("Freya", "Giulia"),
)
_MIDDLE = (
    *("", "", "", "", "Maria", "Jan", "Luís", "Rose", "Paul", "Sofia", "Karl", "Noor"),
    *("Jean", "Ana", "Leo", "Ida"),
)
_ROOT = (
    *("Alm", "Berg", "Cor", "Dal", "Ek", "Fern", "Gar", "Holm", "Ivan", "Jans", "Kov", "Lind"),
    *("Mor", "Nov", "Ols", "Per", "Quint", "Riv", "Sant", "Tor", "Urb", "Val", "Wer", "Zim"),
    *("Bran", "Col", "Dom", "Fal", "Mar", "Pal", "Ser", "Vin"),
)
_END = (
    *("ström", "mann", "tés", "lotti", "sson", "andez", "cia", "wood", "ov", "sen", "ák", "gren"),
    *("eira", "ak", "on", "ez", "elli", "era", "ana", "ino", "an", "enti", "ner", "mer"),
    *("dt", "lins", "inguez", "coni", "ques", "acios", "rano", "cenzo"),
)


def full_name(word: int) -> str:
    """The name of a person; ``word`` is a 32-bit number (``Population.name_word``).

    Example:
        >>> full_name(0)
        'Anna Almström'
    """
    word, first = divmod(word, len(_FIRST))
    word, middle = divmod(word, len(_MIDDLE))
    word, root = divmod(word, len(_ROOT))
    word, end = divmod(word, len(_END))
    family = _ROOT[root] + _END[end]
    if word % 8 == 1:  # a double-barrelled name in eight
        family += f"-{_ROOT[word // 8 % len(_ROOT)]}{_END[word // 256 % len(_END)]}"
    return " ".join(part for part in (_FIRST[first], _MIDDLE[middle], family) if part)
