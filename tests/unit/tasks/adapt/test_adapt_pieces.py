import numpy as np
import pytest

from gatewise.encoders import find_encoder
from gatewise.errors import InputError
from gatewise.tasks.adapt.pieces import MaskTokenizer, hide_tokens


def draw(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert", "deberta-v2"])
def test_long_texts_are_cut_in_pieces_and_nothing_is_lost(bare, kind):
    tokenizer = MaskTokenizer(bare(kind))
    long = "time will way about many " * 5
    whole = tokenizer.tokenize([long]).row(0)
    pieces = tokenizer.cut([long, "time"], 10)
    assert [len(piece) for piece in pieces] == [8, 8, 8, 1, 1]
    begin, end = tokenizer.marks
    assert [len(begin), len(end)] == [1, 1]
    assert np.concatenate([begin, *pieces[:4], end]).tolist() == whole.tolist()


def test_a_batch_tells_what_was_hidden(bare):
    tokenizer = MaskTokenizer(bare())
    pieces = tokenizer.cut(["time will way about many then them write would like", "these long make"], 20)
    ids, mask, chosen, targets = hide_tokens(pieces, tokenizer, 0.3, draw())
    assert mask.sum(1).tolist() == [12, 5]
    assert chosen.sum(1).tolist() == [3, 1]
    restored = ids.clone()
    restored[chosen] = targets
    begin, end = tokenizer.marks
    for row, piece in zip(restored.tolist(), pieces, strict=True):
        length = len(piece) + 2
        assert row[:length] == [*begin.tolist(), *piece.tolist(), *end.tolist()]
        assert row[length:] == [tokenizer.pad] * (12 - length)
    assert not chosen[:, 0].any()  # the mark of the beginning
    assert not chosen[1, 4:].any()  # the mark of the end, and padding


def test_of_what_is_guessed_most_is_hidden_some_replaced_and_some_left(bare):
    tokenizer = MaskTokenizer(bare())
    piece = tokenizer.cut(["time"], 20)[0].repeat(1000)
    ids, _, chosen, targets = hide_tokens([piece] * 40, tokenizer, 0.15, draw())
    assert chosen.sum().item() == 40 * 150
    read = ids[chosen]
    assert (read == tokenizer.mask).float().mean().item() == pytest.approx(0.8, abs=0.03)
    assert (read == targets).float().mean().item() == pytest.approx(0.1, abs=0.02)
    assert len(set(read.tolist())) > tokenizer.vocabulary_size * 0.9  # the rest are drawn from all tokens


def test_the_generator_decides_what_is_hidden(bare):
    tokenizer = MaskTokenizer(bare())
    pieces = tokenizer.cut(["time will way about many then them write would like"] * 5, 20)
    one, same, other = (hide_tokens(pieces, tokenizer, 0.15, draw(seed)) for seed in (1, 1, 2))
    assert (one.ids == same.ids).all()
    assert (one.chosen != other.chosen).any()


def test_a_tokenizer_without_a_mask_is_refused(bare_folder, tmp_path):
    import json
    import shutil

    folder = tmp_path / "plain"
    shutil.copytree(bare_folder("bert"), folder)
    about = json.loads((folder / "tokenizer_config.json").read_text())
    del about["mask_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(about))
    with pytest.raises(InputError, match="no mask token"):
        MaskTokenizer(find_encoder(str(folder)))


def test_of_a_short_text_one_token_is_guessed(bare):
    tokenizer = MaskTokenizer(bare())
    assert hide_tokens(tokenizer.cut(["time", "time will way"], 20), tokenizer, 0.15, draw()).chosen.sum(
        1
    ).tolist() == [1, 1]
