"""Features of images: the detector's own without any more weights, Inception's where they are."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from sim2real_lib.detection import features
from sim2real_lib.errors import InputError
from sim2real_lib.images import read_rgb, write_rgb


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A detector that was never trained, but whose layers have seen noise to be normalised by."""
    from ultralytics import YOLO

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("detector") / "weights.pt"
    detector = YOLO("yolov5n.yaml")
    for module in detector.model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        detector.model.train()(torch.rand(8, 3, 96, 96))
    detector.save(path)
    return path


@pytest.fixture(scope="module")
def inception(tmp_path_factory):
    """Inception-v3 with random weights, in the published file's form."""
    module = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "load_state_dict_from_url", lambda *a, **k: {})
        kind = module.FeatureExtractorInceptionV3
        patch.setattr(kind, "load_state_dict", lambda self, state: None)
        torch.manual_seed(0)
        network = kind("inception", ["2048"])
    path = tmp_path_factory.mktemp("inception") / features.INCEPTION_FILES[0]
    torch.save(network.state_dict(), path)
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Six images of three sizes, mixed."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    made = []
    for number, (height, width) in enumerate([(64, 96)] * 3 + [(96, 64), (64, 96), (50, 131)]):
        path = folder / f"{number}.png"
        write_rgb(path, rng.integers(0, 255, (height, width, 3)).astype(np.uint8))
        made.append(str(path))
    return made


@pytest.fixture
def no_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))


def of_detector(weights, paths, tmp_path, **changes):
    settings = {"image_size": 96, "device": "cpu", "folder": tmp_path}
    return features.detector_features(weights, paths, **settings | changes)


def test_every_image_has_its_row_in_the_order_given(weights, paths, tmp_path):
    found = of_detector(weights, paths, tmp_path)
    assert found.shape == (len(paths), 256)
    assert found.dtype == np.float32
    backwards = of_detector(weights, paths[::-1], tmp_path)
    assert backwards[::-1] == pytest.approx(found, abs=1e-3)
    assert len(np.unique(found.round(2), axis=0)) == len(paths)


def test_they_are_the_last_stage_before_the_neck_averaged_over_the_image(
    weights, paths, tmp_path
):  # fmt: skip
    from ultralytics import YOLO

    network = YOLO(weights).model.float().eval()
    seen = []
    assert type(network.model[9]).__name__ == "SPPF"
    network.model[9].register_forward_hook(lambda module, given, out: seen.append(out))
    pixels = torch.from_numpy(read_rgb(paths[0])).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        network(pixels)
    expected = seen[0].mean(dim=(2, 3)).numpy()
    assert np.abs(expected).mean() > 0.05, "nothing is seen"
    assert of_detector(weights, paths[:1], tmp_path) == pytest.approx(expected, abs=1e-3)


def test_an_image_has_the_same_features_in_any_batch(weights, paths, tmp_path):
    one, four = (of_detector(weights, paths, tmp_path, batch=n) for n in (1, 4))
    assert one == pytest.approx(four, abs=1e-3)


@pytest.mark.parametrize("shape", [(375, 1242), (720, 1280), (1280, 720), (144, 256), (5, 900)])
def test_no_padding_tells_frames_of_different_shapes_apart(weights, tmp_path, shape):
    """A grey image has the features of grey wherever its border lies; here at most half a cell."""
    fitted = features._fit(np.full((*shape, 3), 7, np.uint8), 320, 32)
    assert (fitted == 7).all()
    assert not any(length % 32 for length in fitted.shape[:2])
    assert max(fitted.shape) == 320
    exact = np.array(shape) * 320 / max(shape)
    assert np.abs(np.array(fitted.shape[:2]) - exact).max() <= max(16, 32 - exact.min())


def test_a_detector_that_is_missing_or_damaged_is_named(paths, tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.pt: there are no weights here"):
        of_detector(tmp_path / "nowhere.pt", paths, tmp_path)
    (tmp_path / "half.pt").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(InputError, match=r"half\.pt: not a detector's weights"):
        of_detector(tmp_path / "half.pt", paths, tmp_path)
    torch.save({"some": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(InputError, match=r"other\.pt: not a detector's weights"):
        of_detector(tmp_path / "other.pt", paths, tmp_path)


def test_an_image_that_is_missing_or_damaged_is_named(weights, paths, tmp_path):
    with pytest.raises(InputError, match=r"gone\.png: there is no such image"):
        of_detector(weights, [*paths, str(tmp_path / "gone.png")], tmp_path)
    (tmp_path / "torn.png").write_bytes(Path(paths[0]).read_bytes()[:40])
    with pytest.raises(InputError, match=r"torn\.png: not a readable image"):
        of_detector(weights, [str(tmp_path / "torn.png")], tmp_path)


def test_without_images_there_are_no_features(weights, tmp_path):
    with pytest.raises(InputError, match="there are no images"):
        of_detector(weights, [], tmp_path)


def test_without_inception_the_detector_is_used_and_the_line_says_so(
    weights, paths, tmp_path, no_cache
):  # fmt: skip
    settings = {"image_size": 96, "device": "cpu", "folder": tmp_path}
    found, line = features.features(paths, detector=weights, **settings)
    assert found == pytest.approx(of_detector(weights, paths, tmp_path), abs=1e-6)
    assert "the detector's own backbone (weights.pt)" in line
    assert features.INCEPTION_FILES[0] in line


def test_inception_is_used_from_torchs_cache_or_from_a_file(
    weights, inception, paths, tmp_path, monkeypatch
):  # fmt: skip
    settings = {"detector": weights, "image_size": 96, "device": "cpu", "folder": tmp_path}
    given, line = features.features(paths[:2], inception=inception, **settings)
    assert given.shape == (2, 2048) and given.dtype == np.float32
    assert "Inception-v3's" in line
    (tmp_path / "hub/checkpoints").mkdir(parents=True)
    (tmp_path / "hub/checkpoints" / features.INCEPTION_FILES[1]).symlink_to(inception)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    cached, _ = features.features(paths[:2], **settings)
    assert cached == pytest.approx(given)


def test_inception_sees_the_images_as_torch_fidelity_shows_them(inception, paths):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    network = FeatureExtractorInceptionV3("inception", ["2048"], str(inception))
    pixels = cv2.cvtColor(cv2.imread(paths[5]), cv2.COLOR_BGR2RGB)
    expected = network(torch.from_numpy(pixels).permute(2, 0, 1)[None])[0].numpy()
    found = features.inception_features(inception, paths[4:], device="cpu")
    assert found[1:] == pytest.approx(expected, abs=1e-5)


def test_inception_weights_that_are_missing_damaged_or_dangerous_are_refused(paths, tmp_path):
    pytest.importorskip("torch_fidelity")
    with pytest.raises(InputError, match="there are no weights here"):
        features.inception_features(tmp_path / "nowhere.pth", paths)
    for name, stored in {"other": {"fc.weight": torch.zeros(3)}, "unsafe": Path("x")}.items():
        torch.save(stored, tmp_path / f"{name}.pth")
        with pytest.raises(InputError, match="not Inception-v3's weights"):
            features.inception_features(tmp_path / f"{name}.pth", paths)
    (tmp_path / "half.pth").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(InputError, match="not Inception-v3's weights"):
        features.inception_features(tmp_path / "half.pth", paths)
