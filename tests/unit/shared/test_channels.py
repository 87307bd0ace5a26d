"""The names in Redis."""

from types import FunctionType

import pytest
from redis.crc import key_slot

from shared.channels import STORED, RedisNames


def all_names(names: RedisNames) -> list[str]:
    """Whatever the class can spell, so that a new kind of key is among them."""
    spelled: list[str] = []
    for word, member in vars(RedisNames).items():
        if isinstance(member, property):
            spelled.append(getattr(names, word))
        elif isinstance(member, FunctionType) and not word.startswith("_"):
            spelled += [member(names, table) for table in STORED]
    return spelled


@pytest.mark.parametrize("prefix", ["banggia", "a board:of two words", "test-0a1b-7"])
def test_all_keys_of_a_prefix_lie_in_one_slot_of_a_cluster_so_that_one_script_may_touch_them(prefix: str) -> None:
    names = RedisNames(prefix)

    spelled = all_names(names)

    assert {names.head, names.lease, names.updates, *map(names.rows, STORED), *map(names.next_rows, STORED)} <= set(
        spelled
    )
    assert len(spelled) == len(set(spelled))
    assert len({key_slot(name.encode()) for name in spelled}) == 1
