"""What do guests and hosts write to each other? A kind and a slot number make one text.

``render(kind, slot)`` is a pure function: the same pair is the same text for ever, which is how
pasted messages come about. The honest kinds hold links, telephone numbers and talk about money
too; the fraudulent ones range from blunt to nearly harmless.
"""

from collections.abc import Callable, Sequence
from enum import IntEnum


class Kind(IntEnum):
    """Which sort of first message a booking carries."""

    NONE = 0
    GUEST = 1
    GUEST_SHORT = 2
    GUEST_LINK = 3
    GUEST_PHONE = 4
    GUEST_CASH = 5
    HOST_WELCOME = 6
    HOST_LINK = 7
    HOST_CONTACT = 8
    SCAM_LINK = 9
    SCAM_PLAIN = 10
    SCAM_ADAPTED = 11


#: Kinds written by the host; the others are the guest's.
BY_HOST = frozenset(
    (
        *(Kind.HOST_WELCOME, Kind.HOST_LINK, Kind.HOST_CONTACT),
        *(Kind.SCAM_LINK, Kind.SCAM_PLAIN, Kind.SCAM_ADAPTED),
    )
)

_CITIES = (
    *("Lisbon", "Porto", "Sevilla", "Málaga", "Valencia", "Paris", "Lyon", "Nice", "Roma"),
    *("Napoli", "Firenze", "Berlin", "München", "Köln", "Hamburg", "Wien", "Graz", "Kraków"),
    *("Gdańsk", "Utrecht", "London", "Leeds", "Malmö", "Göteborg"),
)
_HELLO = (
    *("Hi", "Hello", "Hello there", "Good morning", "Good evening", "Hey", "Dear host"),
    *("Hola", "Bonjour", "Hallo", "Ciao", "Olá", "Hej", "Dzień dobry", "Hi there", "Greetings"),
)
_WHY = (
    "we are visiting friends in {city}",
    "I am coming to {city} for a conference",
    "my wife and I are celebrating our anniversary",
    "we are a family with {n} children",
    "I will be working remotely from {city} for a while",
    "we are walking part of the coastal path",
    "our daughter starts university in {city}",
    "we have tickets for a concert",
    "I am moving to {city} and still looking for a flat",
    "we loved your place last year and would like to come back",
    "it is a surprise for my mother's birthday",
    "I have an early train the next day",
    "vamos a una boda en {city}",
    "nous venons pour un mariage",
    "wir machen eine Radtour mit {n} Freunden",
    "we are {n} colleagues on a project nearby",
)
_ASK = (
    "Is there parking close by?",
    "Could we check in around {hour}:00?",
    "Do you have a cot for a baby?",
    "Is the kitchen equipped for cooking?",
    "Are dogs welcome? Ours is small and calm.",
    "How fast is the internet?",
    "Is there a lift? My father uses a stick.",
    "Could we leave our bags after check-out until {hour}:30?",
    "Which bus goes from the station to your street?",
    "Is the heating included in the price?",
    "Would an extra guest for one night be a problem?",
    "Can we use the washing machine?",
    "Is it quiet at night?",
    "¿A qué hora podemos llegar?",
    "Gibt es Fahrräder in der Nähe zu leihen?",
    "Est-ce que le quartier est calme ?",
)
_BYE = (
    *("Thank you!", "Thanks a lot", "Many thanks and see you soon", "Best regards", "Cheers"),
    *("Kind regards", "Looking forward to it!", "Merci", "Gracias", "Danke", "Grazie", ":)"),
)
_SHORT = (
    *("Hi", "Hello, is it available?", "Arriving late tonight", "Ok thanks", "Need it today"),
    *("Booking for work", "See you", "Hello", "Please confirm fast", "Just me, one bag"),
    *("Check in at {hour}?", "Room for {n}?", "Thanks", "Good price", "Can you accept quickly?"),
)
_LINKS = (
    "our flight is {code}, see www.flight-times.example/{code}",
    "this is the event we attend: https://www.{word}-festival.example/{city}",
    "you find my company at https://{word}-studio.example",
    "is it this corner? https://maps.example/?q={city}+{n}",
)
_PHONES = (
    "My number for the day of arrival is +49 170 {phone}.",
    "Please call me on +34 6{phone} if anything changes.",
    "You can reach my sister on +33 7 {phone}, she arrives first.",
    "Is WhatsApp fine on the day? +44 77 {phone}",
)
_CASH = (
    "Can we pay the late check-in fee in cash on arrival?",
    "Could you tell me if the tourist tax is paid directly to you?",
    "Is the deposit by card or do you block it on the platform?",
    "My employer needs an invoice, can they pay by bank transfer afterwards?",
    "Would you give a discount if we stay {n} weeks?",
    "Should I bring cash for the cleaning?",
)
_WELCOME = (
    "the key is in the box by the door, the code comes on the day of arrival",
    "check-in is from {hour}:00, the neighbour on the left has a spare key",
    "please tell me your arrival time, I will meet you downstairs",
    "you find towels in the bedroom and coffee in the kitchen",
    "the bakery on the corner opens at 7 and is the best of {city}",
    "recycling goes into the yellow bin, and please keep quiet after 22:00",
    "parking is free on Sundays, else {n} euros a day",
    "there is a folder with tips for {city} on the table",
)
_HOUSE = (
    "the house manual is at https://guide-{word}.example/{n}",
    "for a boat trip have a look at www.{word}-sailing.example",
    "directions with photos: https://photos.example/{word}{n}",
)
_CONTACT = (
    "Send me a message on WhatsApp +44 74 {phone} when you land",
    "For companies we issue an invoice, to be paid by bank transfer after the stay",
    "The tourist tax of {n} euros is paid directly at the desk, cash or card",
    "Never pay outside the platform, we do not ask for a deposit by transfer",
    "Returning guests get a discount if they stay more than {n} weeks",
    "Our office answers on Telegram and by phone until {hour}:00",
)
_TROUBLE = (
    "the calendar here has an error and your request will not go through",
    "my account is being verified, so payouts take {n} weeks",
    "another couple wants the same dates",
    "the price here includes a high service fee",
    "the owner of the building asked me to arrange it personally",
    "we just renovated and the listing is still under review",
)
_DIVERT = (
    "Pay me directly by bank transfer and you get {n}0% off.",
    "We can avoid the service fee if you send the deposit by wire transfer.",
    "Write to me on WhatsApp +44 74 {phone} and we settle it outside the platform.",
    "I only need the first night by SEPA transfer, I will send you the IBAN.",
    "It is cheaper if you book off the site, payment by transferencia or crypto.",
    "Contact me on Telegram, I send the invoice there.",
    "Sie können direkt zahlen, per Überweisung und ohne Gebühren.",
    "Vous pouvez payer par virement, hors plateforme.",
)
_BAIT = (
    "Please complete it here: https://secure-{word}-stay.example/pay/{code}",
    "Confirm your dates on https://www.{word}-rentals.example/{code}",
    "Same flat, official page: http://{word}-booking.example/r/{code}",
    "Follow www.{word}-checkin.example and enter your card again.",
)
_SUBTLE = (
    "My niece looks after the keys and prefers to arrange the rest with guests in person.",
    "I can hold the dates for you, you only settle half of it beforehand the way friends do.",
    "Send me your e-mail in words and I explain how my other guests do it.",
    "There is a simpler way for both of us, tell me where I can reach you tonight.",
    "Our agency will contact you with the remaining details and their own agreement.",
    "For long-standing guests we use our own form, I can have it sent to you.",
)
_WORDS = (
    *("villa", "sunny", "casa", "harbour", "north", "azul", "garden", "alto", "river", "stone"),
    *("lemon", "olive"),
)


def render(kind: int, slot: int) -> str | None:
    """The text of a message, or None for ``Kind.NONE``; ``slot`` is not negative.

    Example:
        >>> render(Kind.GUEST_SHORT, 5)
        'Booking for work'
        >>> render(Kind.GUEST, 8191) == render(Kind.GUEST, 8191)
        True
    """
    write = _WRITERS.get(Kind(kind))
    return None if write is None else write(_Slots(slot))


class _Slots:
    """A number taken apart into choices, least significant first."""

    def __init__(self, slot: int) -> None:
        self._left = slot

    def of(self, options: Sequence[str]) -> str:
        """One of the options, its own slots filled."""
        # format_map asks for the slots a text names, one by one, through __getitem__.
        return options[self.below(len(options))].format_map(self)

    def __getitem__(self, slot: str) -> str:
        """What stands in for ``{slot}``."""
        match slot:
            case "city":
                return _CITIES[self.below(len(_CITIES))]
            case "word":
                return _WORDS[self.below(len(_WORDS))]
            case "hour":
                return str(13 + self.below(9))
            case "n":
                return str(2 + self.below(4))
            case "code":
                return f"{self.below(0x10000):04x}"
            case "phone":
                return str(1_000_000 + self.below(9_000_000))
        raise KeyError(slot)

    def below(self, bound: int) -> int:
        """A number in ``[0, bound)``; when the slot is used up it is 0 for ever."""
        self._left, choice = divmod(self._left, bound)
        return choice


def _guest(slots: _Slots) -> str:
    shape = slots.below(4)
    text = f"{slots.of(_HELLO)}, {slots.of(_WHY)}."
    if shape:
        text += f" {slots.of(_ASK)}"
    return text if shape == 1 else f"{text} {slots.of(_BYE)}"


def _guest_and(extra: Sequence[str]) -> Callable[[_Slots], str]:
    def write(slots: _Slots) -> str:
        text = f"{slots.of(_HELLO)}, {slots.of(_WHY)}. {slots.of(extra)}"
        return f"{text} {slots.of(_BYE)}" if slots.below(2) else text

    return write


def _host(slots: _Slots) -> str:
    return f"Welcome! {slots.of(_WELCOME).capitalize()}. Also, {slots.of(_WELCOME)}."


def _host_link(slots: _Slots) -> str:
    return f"{slots.of(_HELLO)}, {slots.of(_WELCOME)}; {slots.of(_HOUSE)}."


def _host_contact(slots: _Slots) -> str:
    return f"{slots.of(_HELLO)}, {slots.of(_WELCOME)}. {slots.of(_CONTACT)}. {slots.of(_BYE)}"


def _scam_link(slots: _Slots) -> str:
    return f"{slots.of(_HELLO)}, {slots.of(_TROUBLE)}. {slots.of(_DIVERT)} {slots.of(_BAIT)}"


def _scam_plain(slots: _Slots) -> str:
    return f"{slots.of(_HELLO)}, {slots.of(_TROUBLE)}. {slots.of(_DIVERT)} {slots.of(_BYE)}"


def _scam_adapted(slots: _Slots) -> str:
    return f"{slots.of(_HELLO)}, {slots.of(_WELCOME)}. {slots.of(_SUBTLE)} {slots.of(_BYE)}"


_WRITERS: dict[Kind, Callable[[_Slots], str]] = {
    Kind.GUEST: _guest,
    Kind.GUEST_SHORT: lambda slots: slots.of(_SHORT),
    Kind.GUEST_LINK: _guest_and(_LINKS),
    Kind.GUEST_PHONE: _guest_and(_PHONES),
    Kind.GUEST_CASH: _guest_and(_CASH),
    Kind.HOST_WELCOME: _host,
    Kind.HOST_LINK: _host_link,
    Kind.HOST_CONTACT: _host_contact,
    Kind.SCAM_LINK: _scam_link,
    Kind.SCAM_PLAIN: _scam_plain,
    Kind.SCAM_ADAPTED: _scam_adapted,
}
