from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from catalogs import catalog, frame, picture
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real_lib.catalog import appearance, duplicates
from sim2real_lib.catalog.appearance import survey
from sim2real_lib.catalog.duplicates import MOST_BITS, PARTNERS, duplicate_images, linked
from sim2real_lib.errors import InputError
from sim2real_lib.images import RGB, write_rgb

COLUMNS = [
    "kind", "likeness", "frame_id_a", "frame_id_b", "source_a", "source_b",
    "split_a", "split_b", "sequence_a", "sequence_b",
]  # fmt: skip
Pairs = Callable[..., list[tuple[str, str, str]]]


@pytest.fixture
def pairs(tmp_path: Path) -> Pairs:
    """Kind and frame ids of the pairs among images, each of a drive of its own unless given."""

    def found(images: dict[str, RGB | bytes], **given: dict) -> list[tuple[str, str, str]]:
        rows = []
        for name, image in images.items():
            path = tmp_path / name
            if isinstance(image, bytes):
                path.write_bytes(image)
            else:
                write_rgb(path, image, jpeg_quality=75)
            rows.append(frame(name, image=str(path), sequence=name) | given.get(name[0], {}))
        frames = catalog(rows).frames
        table = duplicate_images(frames, survey(frames, tmp_path / "store", progress=False))
        assert list(table.columns) == COLUMNS
        columns = ["kind", "frame_id_a", "frame_id_b"]
        return [tuple(row) for row in table[columns].to_numpy().tolist()]

    return found


def scaled(image: RGB, size: tuple[int, int]) -> RGB:
    return np.asarray(appearance.Image.fromarray(image).resize(size))


def test_the_same_file_in_two_drives_is_found(pairs: Pairs) -> None:
    image = picture(0)
    assert pairs({"a.png": image, "b.png": picture(1), "c.png": image}) == [
        ("same file", "a.png", "c.png")
    ]


@pytest.mark.parametrize("brightness", [1.0, 0.4, 0.15])
def test_a_copy_saved_anew_or_scaled_is_found_by_day_and_night(
    pairs: Pairs, brightness: float
) -> None:
    image = (picture(0, width=640, height=360) * brightness).astype(np.uint8)
    small = scaled(image, (320, 180))
    images = {"a.png": image, "b.jpg": image, "c.png": small, "d.jpg": scaled(image, (497, 150))}
    names = list(images)
    assert pairs(images) == [
        ("same picture", one, other) for n, one in enumerate(names) for other in names[n + 1 :]
    ]


def test_different_pictures_are_no_pair(pairs: Pairs) -> None:
    assert pairs({f"{seed}.jpg": picture(seed) for seed in range(20)}) == []


def test_a_drive_and_its_clones_are_compared_with_other_drives_alone(pairs: Pairs) -> None:
    images = dict.fromkeys(["a.png", "b.png", "c.png", "d.png", "e.png"], picture(0))
    found = pairs(
        images,
        a={"sequence": "0001"},
        b={"sequence": "0001"},
        c={"sequence": "0001", "source": "vkitti2", "variant": "clone"},
        d={"sequence": "0001", "source": "own"},
        e={"sequence": "0001", "source": "own"},
    )
    assert all(one[0] in "abc" and other[0] in "de" for _, one, other in found)
    assert {name for _, *names in found for name in names} == set(images)


def test_black_frames_are_pairs_only_where_their_files_are_equal(pairs: Pairs) -> None:
    rng = np.random.default_rng(0)
    nearly = {f"{n}.png": rng.integers(0, 3, (90, 160, 3), dtype=np.uint8) for n in range(30)}
    assert pairs(nearly) == []
    assert pairs({"a.png": nearly["0.png"], "b.png": nearly["0.png"]}) == [
        ("same file", "a.png", "b.png")
    ]


def test_no_images_give_no_pairs() -> None:
    frames = catalog([frame()]).frames.iloc[:0]
    found = duplicate_images(frames, made(0))
    assert (len(found), list(found.columns)) == (0, COLUMNS)


def test_a_frame_that_was_not_surveyed_is_named() -> None:
    with pytest.raises(InputError, match="f: this frame was not surveyed"):
        duplicate_images(catalog([frame("f")]).frames, made(3))


def made(count: int, **given: object) -> pd.DataFrame:
    """A survey of frames 0, 1, … whose hashes and thumbnails are at random where not given."""
    rng = np.random.default_rng(0)
    thumbnails = rng.integers(0, 256, (count, 256), dtype=np.uint8)
    columns = {
        "frame_id": [str(n) for n in range(count)],
        "digest": [f"digest {n}" for n in range(count)],
        "hash": rng.integers(0, 2**64, count, dtype=np.uint64),
        "thumbnail": [thumbnail.tobytes() for thumbnail in thumbnails],
    }
    return pd.DataFrame(columns | given).astype({"frame_id": "str"})


def frames_of(count: int, splits: tuple[str, ...] = ("train",)) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "frame_id": [str(n) for n in range(count)], "source": "bdd100k",
            "split": np.repeat(splits, count // len(splits)),
            "sequence": [f"s{n}" for n in range(count)],
        }
    ).astype("str")  # fmt: skip


def test_thousands_of_equal_files_stay_a_short_table_that_names_every_leak() -> None:
    frames = frames_of(6_000, ("train", "val", "test"))
    found = duplicate_images(frames, made(6_000, digest="black", thumbnail=bytes(256)))
    assert len(found) <= 6 * len(frames)
    assert set(found["kind"]) == {"same file"}
    leaking = found[found["split_a"] != found["split_b"]]
    assert set(leaking["frame_id_a"]) | set(leaking["frame_id_b"]) == set(frames["frame_id"])


def test_a_crowd_of_copies_stays_a_short_table_that_names_every_leak() -> None:
    frames = frames_of(500, ("train", "test"))
    one = made(1)
    survey = made(500, hash=one["hash"][0], thumbnail=one["thumbnail"][0])
    found = duplicate_images(frames, survey)
    assert 250 * PARTNERS <= len(found) <= 500 * PARTNERS
    leaking = found[found["split_a"] != found["split_b"]]
    assert set(leaking["frame_id_a"]) | set(leaking["frame_id_b"]) == set(frames["frame_id"])


def testnear_hashes_of_different_pictures_are_no_pair() -> None:
    assert duplicate_images(frames_of(50), made(50, hash=np.uint64(7))).empty


def test_likeness_is_a_parameter() -> None:
    survey = made(2, hash=np.uint64(7))
    noisy = np.frombuffer(survey["thumbnail"][0], np.uint8) // 2 + np.arange(256) // 8
    survey.at[1, "thumbnail"] = noisy.astype(np.uint8).tobytes()
    (likeness,) = duplicate_images(frames_of(2), survey, likeness=0.5)["likeness"]
    a, b = (np.frombuffer(thumbnail, np.uint8) for thumbnail in survey["thumbnail"])
    assert likeness == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-5)
    assert duplicate_images(frames_of(2), survey, likeness=likeness + 0.001).empty


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sets(st.integers(0, 63), max_size=5), st.integers(0, 3)),
        max_size=30,
    )
)
def test_all_hashes_that_differ_in_few_bits_are_found(
    flipped: list[tuple[int, set[int], int]],
) -> None:
    bases = [0, 0x0123456789ABCDEF, 2**64 - 1]
    values = [bases[base] ^ sum(1 << bit for bit in bits) for base, bits, _ in flipped]
    drives = [drive for *_, drive in flipped]
    found = duplicates.near_hashes(np.array(values, np.uint64), np.array(drives, np.int64))
    expected = [
        (a, b)
        for a in range(len(values))
        for b in range(a + 1, len(values))
        if (values[a] ^ values[b]).bit_count() <= MOST_BITS and drives[a] != drives[b]
    ]
    assert list(zip(*found.tolist(), strict=True)) == expected


def test_a_hundred_thousand_pictures_are_compared_in_seconds() -> None:
    count = 100_000
    hashes = np.random.default_rng(0).integers(0, 2**64, count, dtype=np.uint64)
    hashes[1] = hashes[count - 1] ^ np.uint64(0b111111)
    pairs = duplicates.near_hashes(hashes, np.arange(count))
    assert [1, count - 1] in pairs.T.tolist()
    assert pairs.shape[1] < 10


def test_drives_that_share_a_picture_are_linked_once() -> None:
    table = pd.DataFrame(
        [("kitti", "0001", "kitti", "000007"), ("kitti", "0001", "kitti", "000007")],
        columns=["source_a", "sequence_a", "source_b", "sequence_b"],
    )
    assert linked(table) == [(("kitti", "0001"), ("kitti", "000007"))]
