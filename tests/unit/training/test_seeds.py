import torch

from gatewise.settings import ForecastSettings
from gatewise.training import Seeds


def draw(generator):
    return torch.randint(2**40, (4,), generator=generator).tolist()


def test_streams_differ_though_the_seed_is_one():
    seeds = Seeds(7, 7, 7)
    streams = [seeds.init_generator(), seeds.dropout_generator(), *(seeds.order_generator(e) for e in range(5))]
    assert len({tuple(draw(stream)) for stream in streams}) == 7


def test_streams_are_the_same_everywhere_and_always():
    # these numbers are part of what a seed means: they change only with RESULTS_VERSION
    assert Seeds(0, 0, 0).init_generator().initial_seed() == 6227323262129794652
    assert Seeds(0, 0, 0).order_generator(1).initial_seed() == 8783113041400999520
    assert Seeds(0, 0, 0).dropout_generator().initial_seed() == 5674482464372212282


def test_seeds_of_a_run():
    assert Seeds.of(ForecastSettings(seed=5)) == Seeds(5, 5, 5)
    assert Seeds.of(ForecastSettings(seed=5, order_seed=0, dropout_seed=8)) == Seeds(5, 0, 8)
