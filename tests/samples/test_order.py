"""The order of an epoch over ranks and workers."""

import pickle

import numpy as np
import polars as pl
import pytest

import jumpduck
from jumpduck.errors import QueryError
from jumpduck.rows import SITE_KEY
from jumpduck.samples.order import MIXED_SITES, epoch_order, keys_of


@pytest.mark.parametrize("unit", [{}, {"unit": "tile", "size": 30}])
def test_each_sample_comes_exactly_once_over_3_ranks_and_2_workers(kept, unit):
    samples = jumpduck.dataset(kept, **unit)
    whole = samples.order(1).tolist()
    assert sorted(whole) == list(range(len(samples)))
    parts = [
        samples.order(1, rank=rank, ranks=3, worker=worker, workers=2).tolist()
        for rank in range(3)
        for worker in range(2)
    ]
    # put together they are the order of one worker
    assert [index for part in parts for index in part] == whole
    lengths = {len(part) for part in parts}
    assert max(lengths) - min(lengths) <= 1


def test_more_workers_than_samples_are_no_fault(kept):
    samples = jumpduck.dataset(kept, where="Metadata_Well = 'A01' AND Metadata_Site = 1")
    parts = [samples.order(0, worker=one, workers=9) for one in range(9)]
    assert sorted(np.concatenate(parts)) == list(range(len(samples)))


def test_an_epoch_goes_on_where_it_was_left(kept):
    samples = jumpduck.dataset(kept)
    part = {"rank": 1, "ranks": 3, "worker": 1, "workers": 2}
    whole = samples.order(5, **part).tolist()
    assert len(whole) > 3
    for start in range(len(whole) + 2):
        assert samples.order(5, **part, start=start).tolist() == whole[start:]


def test_each_epoch_and_seed_has_an_order_of_its_own_and_always_that(kept):
    orders = {
        (seed, epoch): tuple(jumpduck.dataset(kept, seed=seed).order(epoch))
        for seed in (0, 1)
        for epoch in (0, 1)
    }
    assert len(set(orders.values())) == 4
    assert tuple(jumpduck.dataset(kept).order(1)) == orders[0, 1]


def test_the_place_of_a_sample_depends_on_its_key_and_not_on_the_others(kept):
    every = jumpduck.dataset(kept)
    some = jumpduck.dataset(kept, where="Metadata_Site <> 2")
    keys = every.table.select(SITE_KEY).rows()
    of_some = some.table.select(SITE_KEY).rows()
    in_order = [keys[index] for index in every.order(0)]
    assert [key for key in in_order if key in set(of_some)] == [
        of_some[index] for index in some.order(0)
    ]


def test_tiles_of_a_few_sites_come_mixed_with_each_other(kept):
    samples = jumpduck.dataset(kept, unit="tile", size=16)
    sites = samples.table.select(SITE_KEY).rows()
    order = [sites[index] for index in samples.order(0)]
    block = order[: sum(one in set(order[:1]) for one in order)]
    assert 1 < len(set(block)) <= MIXED_SITES


def test_the_keys_of_many_samples_take_16_bytes_each_and_every_order_is_as_likely():
    count = 100_000
    keys = keys_of(pl.DataFrame({"key": np.arange(count)}))
    assert keys.nbytes == 16 * count
    assert len(pickle.dumps(keys)) < 16 * count + 1000
    sites = np.arange(count)
    orders = [
        epoch_order(keys, sites, keys, seed=seed, epoch=epoch)
        for seed, epoch in ((0, 0), (0, 1), (1, 0))
    ]
    for number, order in enumerate(orders):
        assert np.array_equal(np.sort(order), sites)
        for other in (sites, *orders[:number]):
            # of random orders, 5 standard deviations
            assert abs(np.corrcoef(order, other)[0, 1]) < 5 / count**0.5
        # and neighbours of one are none of the next
        assert (np.abs(np.diff(order)) == 1).sum() < 20


def test_the_order_and_keys_of_a_release_stay():
    keys = keys_of(pl.DataFrame({"plate": ["a", "a", "b", "b", "c"], "site": [1, 2, 1, 2, 1]}))
    order = epoch_order(keys, np.arange(5), keys, seed=3, epoch=2)
    assert keys[0].tolist() == [11538331082268325181, 3775085908571073959]
    assert order.tolist() == [4, 2, 0, 1, 3]


def test_a_rank_or_worker_that_is_not_there_is_refused(kept):
    samples = jumpduck.dataset(kept)
    with pytest.raises(QueryError, match=r"rank 3 is not from 0 to below 3"):
        samples.order(0, rank=3, ranks=3)
    with pytest.raises(QueryError, match=r"worker -1 is not from 0"):
        samples.order(0, worker=-1)
    with pytest.raises(QueryError, match="start -1"):
        samples.order(0, start=-1)
    with pytest.raises(IndexError):
        samples[len(samples)]
