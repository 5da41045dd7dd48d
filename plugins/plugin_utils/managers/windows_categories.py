# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the categories of an update mean for baselines: ids decide, for names are in the host's language.

Ids: Microsoft's page on WSUS classification GUIDs, and categories as update servers publish them.
"""

from __future__ import annotations

from dataclasses import dataclass

CLASSIFICATIONS = {
    "e6cf1350-c01b-414d-a61f-263d14d133b4": "CriticalUpdates",
    "0fa1201d-4330-4fa8-8ae9-b877473b6441": "SecurityUpdates",
    "e0789628-ce08-4437-be74-2495b842f43b": "DefinitionUpdates",
    "ebfc1fc5-71a4-4f7b-9aca-3b9a503104a0": "Drivers",
    "b54e7d24-7add-428f-8b75-90a396fa584f": "FeaturePacks",
    "68c5b0a3-d1a6-4553-ae49-01d3a7827828": "ServicePacks",
    "b4832bd8-e735-4761-8daf-37f882276dab": "Tools",
    "28bc880e-0592-4cbf-8f95-c79b17911d5f": "UpdateRollups",
    "cd5ffd1e-e932-4e3a-bf74-18bf0b1bbd83": "Updates",
    "3689bdc8-b205-4af4-8d4a-a63924c5e9d5": "Upgrades",
    # Not among Patch Manager's values; only a rule for all classifications takes them.
    "5c9376ab-8ce6-464a-b136-22113dd69801": "Application",
    "434de588-ed14-48f5-8eed-a15e09a991f6": "Connectors",
    "e140075d-8433-45c3-ad87-e72345b36078": "DeveloperKits",
    "9511d615-35b2-47bb-927f-f73d8e9260bb": "Guidance",
}
PRODUCTS = {
    "ba0ae9cc-5f01-40b4-ac3f-50192b5d6aaf": "WindowsServer2008",
    "fdfe8200-9d98-44ba-a12a-772282bf60ef": "WindowsServer2008R2",
    "a105a108-7c9b-4518-bbbe-73f0fe30012b": "WindowsServer2012",
    "d31bd4c3-d872-41c9-a2e7-231f372588cb": "WindowsServer2012R2",
    "569e8e8f-c6cd-42c8-92a3-efbb20a0f6f5": "WindowsServer2016",
    "f702a48c-919b-45d6-9aef-ca4248d50397": "WindowsServer2019",
    "71718f13-7324-4b0f-8f9e-2ca9dc978e53": "WindowsServer2022",
    "b256987d-4693-4c87-955d-dbb9341205eb": "WindowsServer2025",
    "bfe5b177-a086-47a0-b102-097e4fa1f807": "Windows7",
    "a3c2375d-0c8a-42f9-bce0-28333e198407": "Windows10",
    "72e7624a-5b00-45d2-b92f-e561c0a6a160": "Windows11",
    "8c3fcc84-7410-4a95-8b89-a166a0190486": "Microsoft Defender Antivirus",
    "2c7888b6-f9e9-4ee9-87af-a77705193893": "Microsoft Server Operating System-22H2",
}
"""Names as Patch Manager writes them, where it has one. Every one of these belongs to the family Windows."""
WINDOWS_FAMILY = "6964aab4-c5b5-43bd-a17d-ffb4346a8e1d"
FAMILIES = {
    WINDOWS_FAMILY: "Windows",
    "477b856e-65c4-4473-b621-a8b230bb70d9": "Office",
}


@dataclass(frozen=True)
class Category:
    """One category of an update; ``kind`` is UpdateClassification, Product, ProductFamily, Company or another."""

    id: str
    name: str
    kind: str
    parent: Category | None = None


@dataclass(frozen=True)
class Placement:
    """What filters ask about one update."""

    classification: str | None
    products: tuple[str, ...]
    families: tuple[str, ...]
    patch_set: str


def place(categories: list[Category], host_product: str) -> Placement:
    """PATCH_SET, PRODUCT, PRODUCT_FAMILY and CLASSIFICATION of an update.

    Many cumulative updates of Windows Server carry no product at all: they count for the host's own. The host's own
    product comes first where an update is for several.
    """
    products = [each for each in categories if each.kind == "Product"]
    families = _families(categories, products)
    if not products:
        # A family other than Windows still says that it is no part of the operating system.
        own = (host_product,) if not families or "Windows" in families else ()
        return Placement(_classification(categories), own, families or ("Windows",), "OS" if own else "APPLICATION")
    names = [PRODUCTS.get(each.id, each.name) for each in products]
    ordered = sorted(dict.fromkeys(names), key=lambda name: name != host_product)
    return Placement(
        _classification(categories), tuple(ordered), families, "OS" if "Windows" in families else "APPLICATION"
    )


def _classification(categories: list[Category]) -> str | None:
    found = [each for each in categories if each.kind == "UpdateClassification" or each.id in CLASSIFICATIONS]
    if not found:
        return None
    known = [CLASSIFICATIONS[each.id] for each in found if each.id in CLASSIFICATIONS]
    return known[0] if known else "".join(found[0].name.split())


def _families(categories: list[Category], products: list[Category]) -> tuple[str, ...]:
    found = []
    for each in categories:
        family = each if each.kind == "ProductFamily" else each.parent if each.kind == "Product" else None
        if family is not None and family.kind == "ProductFamily":
            found.append(FAMILIES.get(family.id, family.name))
    found += ["Windows" for each in products if each.id in PRODUCTS]
    return tuple(dict.fromkeys(found))
