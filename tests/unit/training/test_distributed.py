import socket
import sys

import numpy as np
import pytest
import torch

from gatewise.cells.dropout import draw_mask, draw_ones, rows_of_batch
from gatewise.training.distributed import own_rows, part_of, summed
from gatewise.training.joining import local_store


@pytest.mark.parametrize(("size", "processes"), [(8, 2), (5, 3), (2, 4), (0, 2)])
def test_every_row_has_one_process(size, processes):
    parts = [part_of(size, rank, processes) for rank in range(processes)]
    assert [row for part in parts for row in range(size)[part]] == list(range(size))
    sizes = [part.stop - part.start for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_alone_everything_is_ones_own():
    assert own_rows(7) == slice(0, 7)
    values = np.arange(3.0)
    assert summed(values) is values


def masks(generator):
    like = torch.zeros(())
    return [
        draw_mask((6, 4), 0.5, like=like, generator=generator),
        draw_ones((3, 6, 4), 0.5, like=like, generator=generator, batch_axis=1),
        draw_mask((5, 5), 0.5, like=like, generator=generator, batch_axis=None),
        draw_mask((6, 1), 0.5, like=like, generator=generator),
    ]


def test_masks_of_some_rows_are_those_of_the_whole_batch():
    def drawn(rows):
        generator = torch.Generator().manual_seed(0)
        count, like = rows.stop - rows.start, torch.zeros(())
        with rows_of_batch(rows, 6):
            return [
                draw_mask((count, 4), 0.5, like=like, generator=generator),
                draw_ones((3, count, 4), 0.5, like=like, generator=generator, batch_axis=1),
                draw_mask((5, 5), 0.5, like=like, generator=generator, batch_axis=None),
                draw_mask((count, 1), 0.5, like=like, generator=generator),
            ]

    whole = masks(torch.Generator().manual_seed(0))
    for rows in (slice(0, 2), slice(2, 6)):
        first, holds, shared, last = drawn(rows)
        assert torch.equal(first, whole[0][rows])
        assert torch.equal(holds, whole[1][:, rows])
        assert torch.equal(shared, whole[2])
        assert torch.equal(last, whole[3][rows])
    assert torch.equal(masks(torch.Generator().manual_seed(0))[0], whole[0])  # as before, outside


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the whole of 127.0.0.0/8")
def test_helpers_are_met_where_only_this_machine_can_come():
    store = local_store()
    socket.create_connection(("127.0.0.1", store.port), timeout=5).close()
    with pytest.raises(ConnectionRefusedError):  # who listens everywhere listens here too
        socket.create_connection(("127.0.0.2", store.port), timeout=5)
