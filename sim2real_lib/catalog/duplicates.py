"""Images that show one picture: the same file twice, or a copy of it scaled or saved anew."""

import numpy as np
import pandas as pd

from sim2real_lib.catalog.appearance import THUMBNAIL
from sim2real_lib.catalog.split import Drive, drives
from sim2real_lib.catalog.tables import positions
from sim2real_lib.errors import InputError

# Copies saved as JPEG of quality 30 to 95 or scaled by 0.25 to 1 differ from their picture in 2 of
# 64 bits at most, at a seventh of its brightness nearly all in 6; 480 street scenes in 8 or more.
MOST_BITS = 6
# The same copies' thumbnails correlate by 0.99 or more, different scenes' by 0.96 at most.
LIKENESS = 0.98
PARTNERS = 20  # pairs kept of a frame that is in more: a crowd of copies must not fill the memory
CROWD = 1_000  # pictures with which one is compared for each of its hash's bands
_CHUNK = 20_000  # pairs of thumbnails compared at a time

PAIR_COLUMNS = ("frame_id", "source", "split", "sequence")


def duplicate_images(
    frames: pd.DataFrame, survey: pd.DataFrame, *, likeness: float = LIKENESS
) -> pd.DataFrame:
    """Pairs of images that show one picture though they belong to different drives.

    Within a drive and its virtual clones pictures are alike by nature; across drives they are a
    picture that was published twice, and perhaps trained and tested on.

    Two files are the `same file` when their bytes are equal, and the `same picture` when their
    hashes differ in at most 6 of 64 bits and their thumbnails correlate by `likeness` or more. A
    picture without contrast (a black frame) has nothing to recognise, and is compared by its bytes
    alone. Comparing takes near-linear time: two hashes that differ in 6 bits agree in one of 7
    bands (pigeonhole), so that only pictures that share a band are compared, and where many do,
    each with the next 1,000. A frame whose file occurs often is paired with one frame of two other
    drives of every split, a frame whose picture does with the 20 likest, those of other splits
    first. So the table stays short, and of what was compared still names every frame that leaks
    into another split.

    Args:
        frames: columns of `FRAMES`.
        survey: what `appearance.survey` gave for these frames, or more of them.
        likeness: least correlation of two thumbnails, 0-1.

    Returns:
        One row a pair, ordered by kind and then as `frames`, with columns `kind`, `likeness` (1 for
        the same file), and `frame_id`, `source`, `split`, `sequence`, each ending in `_a` for the
        frame that comes first and `_b` for the other.

    Raises:
        InputError: for a frame that the survey does not know.
    """
    place = positions(frames["frame_id"], survey["frame_id"])
    if (place < 0).any():
        first = frames["frame_id"].to_numpy()[place < 0][0]
        raise InputError("this frame was not surveyed", where=first, remedy="Survey all frames")
    seen = survey.iloc[place]
    pictures = pd.DataFrame(
        {
            "digest": pd.factorize(seen["digest"])[0],
            "drive": pd.factorize(drives(frames))[0],
            "split": pd.factorize(frames["split"])[0],
            "hash": seen["hash"].to_numpy(np.uint64),
            "place": np.arange(len(frames)),
        }
    )
    thumbnails = np.frombuffer(b"".join(seen["thumbnail"]), np.uint8)
    thumbnails = thumbnails.reshape(len(frames), THUMBNAIL**2)
    files = _same_files(pictures).assign(kind="same file", likeness=1.0)
    alike = _same_pictures(pictures, thumbnails, likeness).assign(kind="same picture")
    pairs = pd.concat([files, alike], ignore_index=True)
    columns = {
        f"{name}_{end}": frames[name].take(pairs[end].to_numpy()).to_numpy()
        for name in PAIR_COLUMNS
        for end in "ab"
    }
    return pairs[["kind", "likeness"]].assign(**columns)


def linked(pairs: pd.DataFrame) -> list[tuple[Drive, Drive]]:
    """The drives that share a picture, for `split.by_sequence` to keep together."""
    names = ["source_a", "sequence_a", "source_b", "sequence_b"]
    rows = pairs[names].drop_duplicates().itertuples(index=False, name=None)
    return [((source, sequence), (other, its)) for source, sequence, other, its in rows]


def _same_files(pictures: pd.DataFrame) -> pd.DataFrame:
    """Columns a, b: each frame of a file that occurs again, with the first two of every split."""
    again = pictures[pictures.duplicated("digest", keep=False)]
    one_a_drive = again.drop_duplicates(["digest", "split", "drive"])
    heads = one_a_drive.groupby(["digest", "split"]).head(2)
    met = again.merge(heads, on="digest")
    met = met[met["drive_x"] != met["drive_y"]]
    ends = np.sort(met[["place_x", "place_y"]].to_numpy(), axis=1)
    return pd.DataFrame(np.unique(ends, axis=0), columns=["a", "b"])


def _same_pictures(
    pictures: pd.DataFrame, thumbnails: np.ndarray, least_likeness: float
) -> pd.DataFrame:
    """Columns a, b, likeness: pairs of different files whose hashes and thumbnails are alike."""
    shown = np.flatnonzero(thumbnails.any(axis=1))
    own = pictures.iloc[shown]
    a, b = shown[near_hashes(own["hash"].to_numpy(), own["drive"].to_numpy())]
    digest = pictures["digest"].to_numpy()
    a, b = (end[digest[a] != digest[b]] for end in (a, b))
    parts = [slice(start, start + _CHUNK) for start in range(0, len(a), _CHUNK)]
    alike = [_correlation(thumbnails[a[part]], thumbnails[b[part]]) for part in parts]
    table = pd.DataFrame({"a": a, "b": b, "likeness": np.concatenate([np.empty(0), *alike])})
    table = table[table["likeness"] >= least_likeness].reset_index(drop=True)
    return table[_among_the_likest(table, pictures["split"].to_numpy())]


def near_hashes(hashes: np.ndarray, drives: np.ndarray) -> np.ndarray:
    """(2, n) ascending pairs of places in different drives whose hashes are near, each once.

    Args:
        hashes: (n,) uint64.
        drives: (n,) whole numbers.
    """
    found = np.empty(0, dtype=np.int64)
    for band in range(MOST_BITS + 1):
        # Every seventh bit, so that each band has coarse bits (alike in all street scenes) and fine
        bits = sum(1 << bit for bit in range(band, 64, MOST_BITS + 1))
        keys = hashes & np.uint64(bits)
        order = np.lexsort((drives, keys))
        keys, drive, sorted_hashes = keys[order], drives[order], hashes[order]
        bucket_end = np.searchsorted(keys, keys, side="right")
        new_run = (keys[1:] != keys[:-1]) | (drive[1:] != drive[:-1])
        run_ends = np.append(np.flatnonzero(new_run) + 1, len(keys))
        beyond = run_ends[np.searchsorted(run_ends, np.arange(len(keys)), side="right")]
        left, met = np.arange(len(keys)), [found]
        for step in range(CROWD):
            left = left[beyond[left] + step < bucket_end[left]]
            if not len(left):
                break
            right = beyond[left] + step
            near = np.bitwise_count(sorted_hashes[left] ^ sorted_hashes[right]) <= MOST_BITS
            a, b = np.sort([order[left[near]], order[right[near]]], axis=0)
            met.append(a * len(hashes) + b)
        found = np.unique(np.concatenate(met))
    return np.stack(np.divmod(found, max(1, len(hashes))))


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(n,) Pearson correlations of (n, pixels) thumbnails, none of them constant."""
    one, other = (t - t.mean(axis=1, keepdims=True) for t in (np.float32(one), np.float32(other)))
    shared = np.einsum("ij,ij->i", one, other)
    return shared / np.sqrt(np.einsum("ij,ij->i", one, one) * np.einsum("ij,ij->i", other, other))


def _among_the_likest(table: pd.DataFrame, split: np.ndarray) -> np.ndarray:
    """Which pairs are among the first `PARTNERS` of one of their frames."""
    a, b = table["a"].to_numpy(), table["b"].to_numpy()
    owner, other = np.concatenate([a, b]), np.concatenate([b, a])
    unlike = -np.tile(table["likeness"].to_numpy(), 2)
    order = np.lexsort((other, unlike, split[owner] == split[other], owner))
    kept = np.zeros(len(owner), dtype=bool)
    kept[order] = pd.Series(owner[order]).groupby(owner[order]).cumcount() < PARTNERS
    return kept[: len(a)] | kept[len(a) :]
