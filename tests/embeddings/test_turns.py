import pytest

from jumpduck.embeddings.turns import Turns


def given(batches, parts=None):
    """What torch takes: a batch of each worker in turn, past those that have no more."""
    left = [list(range(count)) for count in batches]
    order = list(range(len(batches))) if parts is None else [part for part, _ in parts]
    for part, items in parts or ():
        left[part] = left[part][items // 4 :]
    found = []
    while any(left):
        found += [(part, left[part].pop(0)) for part in order if left[part]]
    return found


@pytest.mark.parametrize("batches", [[3], [2, 2], [3, 2], [2, 3], [1, 4, 0, 2], [0, 0, 2]])
def test_what_is_left_of_an_epoch_comes_in_the_order_in_which_it_would_have(batches):
    whole = given(batches)
    turns = Turns(4, batches)
    for taken in range(len(whole) + 1):
        assert given(batches, turns.after(taken)) == whole[taken:]
