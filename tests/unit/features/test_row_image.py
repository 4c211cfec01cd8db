"""Images are shared between catalogs only where their numbers mean the same."""

import pytest

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.features.catalog import Catalog
from assay.features.definition import Feature, Where
from assay.features.row_image import ImageCodec


def codec(*, unit: str = "percent", scale: int = 4, about: str = "") -> ImageCodec:
    loan = EventContract(
        type="loan",
        version=1,
        keys=("user",),
        fields=(
            Field(name="user", kind="text"),
            Field(name="rate", kind="decimal", unit=unit, scale=scale, about=about),
        ),
    )
    total = Feature(
        name="total",
        source="loan",
        key=("user",),
        aggregate="count",
        window=9,
        where=(Where("rate", ">", 10),),
    )
    return ImageCodec(Catalog(request=loan, contracts=ContractSet([loan]), features=(total,)))


@pytest.mark.parametrize("other", [codec(scale=2), codec(unit="EUR")], ids=["scale", "unit"])
def test_another_scale_or_unit_is_another_table(other: ImageCodec) -> None:
    assert codec().tables == codec(about="said otherwise").tables
    assert codec().tables != other.tables
