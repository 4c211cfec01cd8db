"""A home remembers whose events it holds: no command reads them as something else."""

from pathlib import Path

import pytest
from tests.integration.command_line import run
from tests.integration.served_home import make_home

from assay.app.home import Home
from assay.app.own import CATALOG, CONTRACTS
from assay.app.settings import RECORDED, read_settings
from assay.app.wire import open_platform
from assay.cli.main import main
from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.odcs import to_odcs
from assay.contracts.yaml_text import write_yaml
from assay.workloads.cards.workload import CARDS

ROWS = (
    "id,ts,customer_id,terminal_id,amount,local_time\n"
    "t1,2026-03-01T12:00:00Z,c1,s1,1250,2026-03-01T12:00:00Z\n"
    "t2,2026-03-01T12:00:01Z,c1,s1,12.505,2026-03-01T12:00:01Z\n"
)


@pytest.fixture
def cards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A home with one card payment, and one that was refused."""
    table, home = tmp_path / "t.csv", tmp_path / "home"
    table.write_text(ROWS)
    words = ("--home", str(home), "--workload", "cards", "--type", "transaction")
    code, told = run(capsys, "import", str(table), *words)
    assert (code, told["accepted"], told["refused"]) == (0, 1, 1)
    return home


def test_commands_without_a_word_use_the_workload_the_home_was_filled_with(
    cards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = read_settings(cards, {})
    assert (settings.workload, settings.sources["workload"]) == ("cards", str(cards / RECORDED))
    assert run(capsys, "features", "list", "--home", str(cards))[1]["catalog"] == (
        CARDS.catalog.digest
    )
    again = ("import", str(tmp_path / "t.csv"), "--home", str(cards), "--type", "transaction")
    assert run(capsys, *again)[1]["duplicates"] == 1
    assert main(["verify", "features", "--home", str(cards)]) == 0
    assert "NOTHING WAS COMPARED" in capsys.readouterr().err


def test_another_workload_is_refused_whoever_names_it(
    cards: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = ["--home", str(cards)]
    for words in (
        ["import", str(cards.parent / "t.csv"), "--workload", "checkout"],
        ["backfill", "--out", str(cards.parent / "out"), "--workload", "checkout"],
        ["serve", "--workload", "checkout"],
    ):
        assert main([*words, *home]) == 3, words
        said = capsys.readouterr().err
        assert "'cards', and the command line names 'checkout'" in said, words
    monkeypatch.setenv("ASSAY_WORKLOAD", "checkout")
    for words in (["publish", "--once"], ["quarantine", "replay"], ["verify", "features"]):
        assert main([*words, *home]) == 3, words
        assert "ASSAY_WORKLOAD names 'checkout'" in capsys.readouterr().err
    monkeypatch.delenv("ASSAY_WORKLOAD")
    (cards / "assay.toml").write_text('workload = "checkout"\n')
    assert main(["train", *home]) == 3
    assert "assay.toml names 'checkout'" in capsys.readouterr().err


def test_a_home_that_took_nothing_in_is_bound_to_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, home = tmp_path / "t.csv", tmp_path / "home"
    table.write_text(ROWS)
    assert main(["import", str(table), "--home", str(home), "--type", "booking"]) == 3
    make_home(home)
    open_platform(read_settings(home, {})).close()
    assert not (home / RECORDED).exists()
    words = ("--home", str(home), "--workload", "cards", "--type", "transaction")
    assert run(capsys, "import", str(table), *words)[0] == 0
    assert (home / RECORDED).read_text() == "cards\n"


def test_it_is_written_before_the_first_event_is(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.filling("checkout"):
        assert read_settings(tmp_path, {}).workload == "checkout"
        (tmp_path / "partitions" / "t" / "0").mkdir(parents=True)
        (tmp_path / "partitions" / "t" / "0" / "log.db").touch()  # as a worker's would be
    assert (tmp_path / RECORDED).exists()


def test_contracts_that_change_under_a_home_must_read_what_it_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, home = tmp_path / "shop", tmp_path / "home"
    folder.mkdir()
    card = Field(name="card", kind="text")
    note = Field(name="note", kind="text", required=False)

    def write(*fields: Field, keys: tuple[str, ...] = ("card",)) -> str:
        payment = EventContract(type="payment", version=1, keys=keys, fields=fields)
        contracts = ContractSet([payment])
        (folder / CONTRACTS).write_text(write_yaml(to_odcs(contracts, name="shop")))
        return f"./../shop\n{contracts.digest}\n"

    (folder / CATALOG).write_text(
        'request = "payment"\n[[features]]\nname = "paid_1d"\nsource = "payment"\n'
        'key = ["card"]\naggregate = "count"\nwindow = "1d"\n'
    )
    table = tmp_path / "p.csv"
    table.write_text("id,ts,card\np1,2026-03-01T12:00:00Z,c1\n")
    bring = ("import", str(table), "--home", str(home), "--type", "payment")
    first = write(card)
    assert run(capsys, *bring, "--workload", f"{folder}/")[0] == 0
    assert (home / RECORDED).read_text() == first

    listing = ["features", "list", "--home", str(home)]
    for fields, keys, what in (
        ((card, note), ("card", "note"), "payment: the entity keys change from card to card, note"),
        ((note,), (), "payment.card: a field is removed"),
    ):
        write(*fields, keys=keys)
        for words in (listing, list(bring), ["serve", "--home", str(home)]):
            assert main(words) == 3, words
            said = capsys.readouterr().err
            assert "cannot be read under it" in said, words
            assert what in said, words
        assert (home / RECORDED).read_text() == first

    wider = write(card, note)
    assert main(listing) == 0
    assert (home / RECORDED).read_text() == first, "who only reads writes nothing"
    assert run(capsys, *bring)[1]["duplicates"] == 1
    assert (home / RECORDED).read_text() == wider
    write(card)  # what may have come in since has the note
    assert main(listing) == 3
    assert "payment.note: a field is removed" in capsys.readouterr().err
    (home / RECORDED).write_text("./../shop\n")  # as it was before digests were kept
    assert main(listing) == 0
    assert run(capsys, *bring)[0] == 0
    assert (home / RECORDED).read_text() == first
