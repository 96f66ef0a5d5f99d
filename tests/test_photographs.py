"""Photographs: the image files of real data sets, what training does to them, and the models made for them."""

import io

import datasets
import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

import zoo
from zoo import augmentation
from zoo.errors import InputError
from zoo.model import initialise, parameter_count
from zoo.models.resnet import Resnet
from zoo.models.speednet import FLOOR, Speednet
from zoo.pixels import decoded
from zoo.tasks.cifar10 import Cifar10
from zoo.tasks.fashion_mnist import FashionMnist
from zoo.traditional.hog import Hog


def picture(values: np.ndarray, kind: str = "PNG") -> dict[str, bytes | None]:
    held = io.BytesIO()
    Image.fromarray(values).save(held, kind)
    return {"bytes": held.getvalue()}


def random_images(count: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# Files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_lossless_files_decode_to_their_values_over_255(shape):
    images = random_images(4, *shape)
    found = decoded([picture(image) for image in images], "a set")
    assert found.shape == (4, 3 if len(shape) == 3 else 1, 5, 7)
    expected = images.reshape(4, 5, 7, -1).transpose(0, 3, 1, 2).astype(np.float32) / 255
    assert np.array_equal(found.numpy(), expected)


@pytest.mark.parametrize("content", [b"", b"no image", picture(random_images(1, 28, 28)[0])["bytes"][:200], None])
def test_a_damaged_image_is_one_sentence(content):
    good = picture(random_images(1, 28, 28)[0])
    with pytest.raises(InputError, match=r"Image 1 of a set cannot be decoded.*Fetch"):
        decoded([good, {"bytes": content}], "a set")


def test_an_image_of_another_size_is_one_sentence():
    with pytest.raises(InputError, match=r"Image 1 of a set is \(28, 27\).*first \(28, 28\)"):
        decoded([picture(np.zeros(size, np.uint8)) for size in ((28, 28), (28, 27))], "a set")


@pytest.fixture
def mirror_of_clothes(tmp_path, monkeypatch):
    """A mirror with four images per split; its folder and the file of its test split."""
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "zalando-datasets" / "fashion_mnist" / "fashion_mnist"
    folder.mkdir(parents=True)
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
    files = [picture(image) for image in random_images(4, 28, 28)]
    table = datasets.Dataset.from_dict({"image": files, "label": [0, 1, 2, 3]}, features=features)
    for split in ("train", "test"):
        table.to_parquet(folder / f"{split}-00000-of-00001.parquet")
    return folder / "test-00000-of-00001.parquet"


@pytest.mark.usefixtures("mirror_of_clothes")
def test_a_mirror_is_read_without_loss():
    samples = FashionMnist().load("test")
    assert np.array_equal((samples.inputs[:, 0] * 255).round().numpy(), random_images(4, 28, 28))
    assert samples.labels.tolist() == [0, 1, 2, 3]
    assert samples.ids == ("test:0", "test:1", "test:2", "test:3")


def test_a_file_that_was_cut_short_is_one_sentence(mirror_of_clothes):
    mirror_of_clothes.write_bytes(mirror_of_clothes.read_bytes()[:300])
    with pytest.raises(InputError, match=r"fashion_mnist cannot be read.*WORKBENCH_DATA"):
        FashionMnist().load("test")


def test_a_missing_split_is_one_sentence(mirror_of_clothes):
    mirror_of_clothes.unlink()
    with pytest.raises(InputError, match=r"fashion_mnist cannot be read.*test.*WORKBENCH_DATA"):
        FashionMnist().load("test")


def test_cifar10_says_what_happened_to_its_images():
    assert "JPEG" in Cifar10.about
    assert "no accuracy on it is comparable" in Cifar10.about


@pytest.mark.mirror
@pytest.mark.parametrize(("name", "each"), [("fashion_mnist", 1000), ("cifar10", 1000)])
def test_the_classes_of_the_scored_split_are_of_one_size(name, each):
    samples = zoo.task(name).samples("test")
    assert np.bincount(samples.labels).tolist() == [each] * 10


# Augmentation ----------------------------------------------------------------------------------------------------


def test_a_mirror_image_is_half_of_the_time_the_other_way_round():
    images = torch.rand(400, 1, 4, 4, generator=generator())
    changed = augmentation.mirror(images, generator())
    same = (changed == images).flatten(1).all(1)
    turned = (changed == images.flip(3)).flatten(1).all(1)
    assert (same ^ turned).all()
    assert 150 < same.sum() < 250


@pytest.mark.parametrize("rim", ["constant", "reflect"])
def test_a_shift_is_by_whole_pixels_up_to_the_largest_and_each_occurs(rim):
    images = torch.rand(1, 2, 28, 28, generator=generator()).add(1).expand(600, -1, -1, -1)
    changed = augmentation.shift(images, generator(), rim=rim)
    most = round(augmentation.STEP * 28)
    wide = functional.pad(images[:1], (most,) * 4, mode=rim)
    places = [(y, x) for y in range(2 * most + 1) for x in range(2 * most + 1)]
    expected = torch.cat([wide[:, :, y : y + 28, x : x + 28] for y, x in places])
    which = [(expected == image).flatten(1).all(1).nonzero().flatten().tolist() for image in changed]
    assert all(len(found) == 1 for found in which)
    assert {found[0] for found in which} == set(range(len(places)))


def test_what_comes_in_is_black_only_where_black_means_that_nothing_is_there():
    images = torch.ones(20, 1, 28, 28)
    assert (augmentation.augmentation("mirror_and_shift", FashionMnist())(images, generator()) == 0).any()
    images = torch.ones(20, 3, 32, 32)
    assert (augmentation.augmentation("mirror_and_shift", Cifar10())(images, generator()) == 1).all()


def test_a_cutout_is_a_square_of_the_mean_colour():
    images = torch.rand(200, 3, 32, 32, generator=generator())
    changed = augmentation.cutout(images, generator())
    cut = (changed != images).any(1)
    side = 2 * int(augmentation.HOLE * 16) + 1
    assert cut.sum((1, 2)).max() == side**2
    assert cut.sum((1, 2)).min() >= (side // 2) ** 2
    mean = images.mean((2, 3))[:, :, None, None].expand_as(images)
    assert torch.equal(changed[cut[:, None].expand_as(images)], mean[cut[:, None].expand_as(images)])


# Networks --------------------------------------------------------------------------------------------------------


def test_whitened_patches_have_unit_variance_and_no_correlation():
    blurred = functional.avg_pool2d(torch.rand(50, 3, 24, 24, generator=generator()), 3, 1, 1)
    network = initialise(Speednet, {"channels": 3, "classes": 2, "widths": (4, 6)}, 0)
    network.look(blurred)
    filters, shift = network.whiten.filters[:12], network.whiten.shift[:12]
    patches = functional.conv2d(blurred, filters, shift).permute(1, 0, 2, 3).flatten(1)
    covariance = torch.cov(patches)
    variances = torch.linalg.eigvalsh(torch.cov(functional.unfold(blurred, 2).permute(1, 0, 2).flatten(1)))
    torch.testing.assert_close(patches.mean(1), torch.zeros(12), atol=1e-4, rtol=0)
    torch.testing.assert_close(covariance, torch.diag(variances / (variances + FLOOR)), atol=1e-3, rtol=0)
    assert torch.equal(network.whiten.filters[12:], -network.whiten.filters[:12])


def test_looking_changes_the_first_layer_alone_and_training_leaves_it():
    network = initialise(Speednet, {"channels": 1, "classes": 2, "widths": (4,)}, 0)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.look(torch.rand(20, 1, 8, 8, generator=generator()))
    changed = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {"whiten.filters", "whiten.shift"}
    assert not {"whiten.filters", "whiten.shift"} & {name for name, _ in network.named_parameters()}


def test_the_stages_of_a_residual_network_halve_height_and_width():
    network = initialise(Resnet, {"channels": 3, "classes": 5, "widths": (4, 6, 8), "blocks": 2}, 0).eval()
    maps = network.stem(torch.rand(2, 3, 16, 16, generator=generator()))
    shapes = []
    for block in network.blocks:
        maps = block(maps)
        shapes.append(tuple(maps.shape[1:]))
    assert shapes == [(4, 16, 16), (4, 16, 16), (6, 8, 8), (6, 8, 8), (8, 4, 4), (8, 4, 4)]
    assert network.class_activation_layer == "blocks.5"


def test_a_residual_block_whose_convolutions_are_zero_only_rectifies():
    network = initialise(Resnet, {"channels": 1, "classes": 2, "widths": (4,)}, 0).eval()
    block = network.blocks[0]
    torch.nn.init.zeros_(block.residual[3].weight)
    maps = torch.randn(2, 4, 6, 6, generator=generator())
    assert torch.equal(block(maps), maps.relu())


@pytest.mark.parametrize(("family", "options"), [(Resnet, {"widths": (4, 8)}), (Speednet, {"widths": (4, 8)})])
def test_the_layer_for_class_activation_gives_maps_from_which_the_answer_follows(family, options):
    network = initialise(family, {"channels": 1, "classes": 3, **options}, 0).eval()
    seen = []
    network.get_submodule(network.class_activation_layer).register_forward_hook(lambda *call: seen.append(call[2]))
    logits = network(torch.rand(2, 1, 16, 16, generator=generator()))
    (maps,) = seen
    pooled = maps.mean((2, 3)) if family is Resnet else maps.amax((2, 3)) * network.scale
    torch.testing.assert_close(network.classify(pooled), logits)
    assert parameter_count(network) == sum(p.numel() for p in network.parameters())


# Histograms of oriented gradients --------------------------------------------------------------------------------


def test_features_are_those_of_scikit_image():
    from skimage.feature import hog

    images = torch.rand(3, 1, 28, 28, generator=generator())
    found = Hog(cell=7, block=2).features(images)
    expected = hog(images[2, 0].numpy(), orientations=9, pixels_per_cell=(7, 7), cells_per_block=(2, 2))
    np.testing.assert_allclose(found[2], expected, atol=1e-6)
    assert found.shape == (3, 3 * 3 * 4 * 9)


def test_brightness_changes_no_feature_and_direction_does():
    bars = torch.zeros(1, 3, 32, 32)
    bars[..., ::4] = 1
    features = Hog().features(torch.cat((bars, 0.5 * bars, bars.transpose(2, 3))))
    np.testing.assert_allclose(features[0], features[1], atol=1e-3)
    assert np.abs(features[0] - features[2]).max() > 0.1


def test_only_classes_of_images_are_told_apart_by_edges():
    task = zoo.task("sst2")
    with pytest.raises(InputError, match=r"images.*sst2 is text"):
        Hog().fit(task.samples("examples"), task, 0)
