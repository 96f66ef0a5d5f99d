"""Tasks over series: each is what its text says, by an independent computation, and its evidence decides the label."""

import importlib
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import signal

import zoo
from zoo import download, mirror
from zoo.blocks import blocks
from zoo.errors import InputError
from zoo.processes import PROCESSES
from zoo.spectrogram import log_mel, mel_filters, peaks, power
from zoo.task import Ablatable
from zoo.tasks.adding import Adding
from zoo.tasks.copy_memory import CopyMemory
from zoo.tasks.digits_rows import DigitsRows
from zoo.tasks.spoken_digits import SPEAKERS, SpokenDigits, content_digest, recordings
from zoo.tasks.ts_box import BOXES, TsBox
from zoo.warping import mask, warp

PLANTED = [
    Adding(train=20, validation=20, test=600, length=30),
    CopyMemory(train=20, validation=20, test=600),
    *(replace(task, train=20, validation=20, test=300) for task in TsBox.variants()),
]


def test_blocks_are_stretches_of_time_and_features():
    numbers = blocks(torch.zeros(2, 6, 10), 3, 5)
    assert numbers.unique().tolist() == [0, 1, 2, 3]
    assert numbers[1, :3, 5:].unique().tolist() == [1]
    assert numbers[0, 3:, :5].unique().tolist() == [2]
    assert blocks(torch.zeros(1, 5, 7), 2, 3).unique().numel() == 9


# Planted tasks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", PLANTED, ids=lambda task: task.name)
def test_a_planted_task_can_be_rendered_without_its_evidence_and_with_another_rest(task):
    assert isinstance(task, Ablatable)
    whole, without, other = task.load("test"), task.without_evidence("test"), task.with_other_rest("test")
    assert not without.evidence.any()
    assert torch.equal(other.evidence, whole.evidence)
    assert torch.equal(whole.inputs[~whole.evidence], without.inputs[~whole.evidence])
    assert torch.equal(whole.inputs[whole.evidence], other.inputs[whole.evidence])
    assert not torch.equal(whole.inputs, other.inputs)
    for rendered in (without, other):
        assert torch.equal(rendered.labels, whole.labels)
        assert rendered.values is None or torch.equal(rendered.values, whole.values)


@pytest.mark.parametrize("task", PLANTED, ids=lambda task: task.name)
def test_a_larger_split_begins_with_the_smaller_and_seeds_differ(task):
    few, many, other = (replace(task, **change).load("test") for change in ({"test": 7}, {"test": 501}, {"seed": 1}))
    assert torch.equal(few.inputs, many.inputs[:7])
    assert not torch.equal(few.inputs, other.inputs[:7])
    assert not torch.equal(few.inputs, task.load("validation").inputs[:7])


def test_the_value_of_adding_is_the_sum_of_the_marked_numbers():
    samples = zoo.task("adding").samples("test")
    numbers, marks = samples.inputs.unbind(2)
    torch.testing.assert_close(samples.values, (numbers * marks).sum(1))
    assert set(marks.unique().tolist()) == {0.0, 1.0}
    assert (marks[:, :100].sum(1) == 1).all()
    assert (marks[:, 100:].sum(1) == 1).all()
    assert torch.equal(samples.evidence, (marks == 1)[:, :, None].expand(-1, -1, 2))
    assert (samples.values - 1).square().mean() == pytest.approx(1 / 6, abs=0.01)
    assert Adding(length=50).name == "adding_short"
    assert "50 steps" in Adding(length=50).about


def test_copy_memory_asks_for_what_it_showed():
    task = CopyMemory(test=100, recall=3, pause=4)
    samples = task.load("test")
    shown = [[task.features[i] for i in row.tolist()] for row in samples.inputs.argmax(2)]
    for row, answers, label in zip(shown, samples.answers.tolist(), samples.labels.tolist(), strict=True):
        assert row[:3] == [task.classes[i] for i in answers]
        assert row[3:] == ["blank"] * 4 + ["go"] + ["blank"] * 2
        assert label == answers[-1]
    assert (samples.inputs.sum(2) == 1).all()
    assert task.without_evidence("test").inputs[:, 2, task.features.index("blank")].all()


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("box", BOXES)
def test_a_box_is_raised_or_lowered_by_one_over_any_process(box, process):
    task = TsBox(box=box, process=process, test=60)
    assert task.name.startswith("ts_box")
    whole, without = task.load("test"), task.without_evidence("test")
    change = (whole.inputs.double() - without.inputs.double()).round(decimals=4)
    assert torch.equal(change != 0, whole.evidence)
    height = change.flatten(1).sum(1) / whole.evidence.flatten(1).sum(1)
    if BOXES[box].asked is None:
        torch.testing.assert_close(height, 2.0 * whole.labels.double() - 1)
    else:
        torch.testing.assert_close(height, torch.ones(60, dtype=torch.float64))
        first = whole.evidence.any(2 - BOXES[box].asked).double().argmax(1)
        assert torch.equal(first, torch.where(whole.labels == 1, 14, 0))
    extent = {tuple(int(e.any(axis).sum()) for axis in (1, 0)) for e in whole.evidence}
    assert extent == {tuple(round(25 * share) for share in BOXES[box].extent)}
    moves = len({e.numpy().tobytes() for e in whole.evidence}) > 2
    assert moves == (None in BOXES[box].start)


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_varies_about_zero_and_starts_as_it_goes_on(process):
    series = PROCESSES[process](np.random.default_rng(0), (2000, 25, 3))
    assert series.shape == (2000, 25, 3)
    assert abs(series.mean()) < 0.03
    assert 0.8 < series.std() < 1.1
    spread = series.std((0, 2))
    assert spread.max() / spread.min() < 1.15
    assert abs(np.corrcoef(series[:, :, 0].T, series[:, :, 1].T)[:25, 25:]).max() < 0.12


def test_autoregressive_series_remember_as_their_equation_says():
    series = PROCESSES["autoregressive"](np.random.default_rng(0), (3000, 25, 3))
    for lag in (1, 5):
        covariance = (series[:, lag:] * series[:, :-lag]).mean()
        assert covariance == pytest.approx(0.9**lag, abs=0.03)
    series = PROCESSES["gaussian_process"](np.random.default_rng(0), (3000, 25, 3))
    r = np.sqrt(3) * 2 / 2.5
    assert (series[:, 2:] * series[:, :-2]).mean() == pytest.approx((1 + r) * np.exp(-r), abs=0.03)


def test_the_likelihood_ratio_of_a_small_box_errs_as_often_as_said():
    """A box of 2 × 2 values of ± 1 in Gaussian noise: Φ(−2) = 2.3 % wrong."""
    task = TsBox(box="rare_time", size=8, test=4000)
    samples = task.load("test")
    inside = samples.evidence[0]
    assert inside.sum() == 6
    right = ((samples.inputs * inside).sum((1, 2)) > 0).long() == samples.labels
    assert right.float().mean() == pytest.approx(task.bayes, abs=0.005)
    assert task.bayes == pytest.approx(0.99285, abs=1e-4)
    assert TsBox(box="moving", size=8).bayes is None
    assert TsBox(process="narma").bayes is None


@pytest.mark.parametrize("wrong", [{"box": "round"}, {"process": "brownian"}])
def test_a_box_or_process_that_there_is_not_is_one_sentence(wrong):
    with pytest.raises(InputError, match=r"^There is no \w+ called '\w+'\. Choose one of: .+\.$"):
        TsBox(**wrong)


def test_rows_of_digits_are_the_rows_of_the_images():
    for split in ("train", "test"):
        rows, images = DigitsRows().load(split), zoo.task("digits").samples(split)
        assert torch.equal(rows.inputs, images.inputs[:, 0])
        assert torch.equal(rows.labels, images.labels)


# Speech ----------------------------------------------------------------------------------------------------------


def test_power_is_that_of_the_reference_library():
    sound = np.random.default_rng(0).standard_normal(1000)
    window = np.hanning(202)[1:-1]
    transform = signal.ShortTimeFFT(window, 100, 8000, mfft=512, phase_shift=None)
    expected = np.abs(transform.stft(sound, 1, 10)).T ** 2  # stretches that lie inside the sound, centred at 100, …
    found = power(sound, 200, 100, 512)
    assert found.shape == (9, 257)
    np.testing.assert_allclose(found[:8], expected[:8], rtol=1e-9)


def test_a_tone_is_loudest_in_the_band_that_peaks_at_it():
    corners, filters = peaks(40, 8000), mel_filters(40, 8000, 512)
    assert corners[0] == 0
    assert corners[-1] == pytest.approx(4000)
    assert filters.max() <= 1
    assert (filters.max(1) > 0.5).all()
    for band in (10, 25, 39):
        tone = np.sin(2 * np.pi * corners[band + 1] * np.arange(4000) / 8000)
        levels = log_mel(tone, filters, 200, 100, 60.0)
        assert (levels.argmax(1) == band).all()
        assert levels.max() == 1
    assert log_mel(np.zeros(400), filters, 200, 100, 60.0).shape == (3, 40)


def test_loudness_of_a_recording_does_not_matter():
    sound, filters = np.random.default_rng(0).standard_normal(1500), mel_filters(40, 8000, 512)
    one, other = (log_mel(factor * sound, filters, 200, 100, 60.0) for factor in (1.0, 1000.0))
    np.testing.assert_allclose(one, other, atol=1e-12)


@pytest.mark.mirror
def test_spoken_digits_are_split_as_published_and_by_speaker():
    names = recordings()
    assert len(names) == 3000
    assert {name.split("_")[1] for name in names} == set(SPEAKERS)
    sizes = [(len(task.samples("train")), len(task.samples("test"))) for task in SpokenDigits.variants()]
    assert sizes == [(2700, 300), (2000, 1000)]
    for task in SpokenDigits.variants():
        for split in task.splits:
            inputs, labels = task.samples(split).inputs, task.samples(split).labels
            assert inputs.shape[1:] == (64, 40)
            assert inputs.min() == 0
            assert (inputs.flatten(1).amax(1) <= 1).all()
            assert (inputs.flatten(1).amax(1) == 1).float().mean() > 0.97  # of the others the loudest part is cut off
            assert torch.equal(inputs * 4096, (inputs * 4096).round())
            assert labels.bincount().unique().numel() == 1


def test_speakers_that_cannot_be_held_out_are_one_sentence():
    for wrong in (("nobody",), SPEAKERS):
        with pytest.raises(InputError, match="Speakers to hold out are some of george, "):
            SpokenDigits(held_out=wrong)


@pytest.fixture
def archive(tmp_path):
    """A small archive of recordings, and beside them what does not belong."""
    path = tmp_path / "set.tar.gz"
    with tarfile.open(path, "w:gz") as files:
        for name in ("recordings/0_theo_0.wav", "set-123/recordings/1_theo_0.wav", "README.md", "../../2_theo_0.wav"):
            (tmp_path / "content").write_bytes(name.encode())
            files.add(tmp_path / "content", name)
    return path


def test_recordings_are_found_in_an_archive_and_nothing_else(archive):
    module = importlib.import_module("zoo.tasks.spoken_digits")
    found = module._unpacked(archive)
    assert sorted(found) == ["0_theo_0", "1_theo_0"]
    assert content_digest(found) != content_digest({**found, "1_theo_0": b"other"})
    assert "digest of the recordings" in module._fault(archive)
    archive.write_bytes(archive.read_bytes()[:100])
    assert "cannot be unpacked" in module._fault(archive)


def test_a_mirror_without_the_recordings_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv(mirror.VARIABLE, str(tmp_path))
    task = SpokenDigits()
    assert "there is no folder" in task.unavailable()
    with pytest.raises(InputError, match="there is no folder"):
        task.load("test")
    (tmp_path / "Jakobovski/free-spoken-digit-dataset").mkdir(parents=True)
    assert task.unavailable().endswith("recordings.tar is missing.")
    with pytest.raises(InputError, match="cannot be unpacked"):
        task.load("test")


def test_without_a_mirror_the_recordings_come_from_their_public_home(tmp_path, monkeypatch):
    monkeypatch.delenv(mirror.VARIABLE, raising=False)
    monkeypatch.setenv(download.VARIABLE, str(tmp_path))
    asked = []
    monkeypatch.setattr(download, "fetch", lambda *given: asked.append(given) or tmp_path / "none")
    with pytest.raises(OSError, match="none"):
        recordings()
    assert asked[0][0].startswith("https://github.com/Jakobovski/free-spoken-digit-dataset/archive/")


# Augmentation ----------------------------------------------------------------------------------------------------


def test_warping_moves_a_peak_within_its_bounds_and_masks_take_out_runs():
    series = torch.zeros(200, 60, 40)
    series[:, 28:32, 18:22] = 1
    warped = warp(series, torch.Generator().manual_seed(0))
    mass = warped.sum((1, 2))
    assert (mass > 5).all()
    time = (warped.sum(2) * torch.arange(60)).sum(1) / mass
    band = (warped.sum(1) * torch.arange(40)).sum(1) / mass
    assert 22 < time.min() < 26
    assert 33 < time.max() < 41
    assert 15 < band.min() < 17
    assert 22 < band.max() < 24
    masked = mask(torch.ones(200, 60, 40), torch.Generator().manual_seed(0))
    assert set(masked.unique().tolist()) == {0.0, 1.0}
    steps, bands = ((masked.sum(axis) == 0).sum(1) for axis in (2, 1))
    assert 0 < steps.max() <= 9
    assert 0 < bands.max() <= 6
    assert (masked == warp(masked, torch.Generator().manual_seed(0))).float().mean() < 1
