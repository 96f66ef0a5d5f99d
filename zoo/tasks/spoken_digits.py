"""Spoken digits: real speech as a series, small enough to train on in a minute."""

import hashlib
import io
import os
import re
import tarfile
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from zoo import download, mirror
from zoo.blocks import blocks
from zoo.errors import InputError
from zoo.spectrogram import log_mel, mel_filters, peaks
from zoo.task import Kind, Samples, Task

SOURCE = "Jakobovski/free-spoken-digit-dataset"
COMMIT = "26eb9aaf76e81b692f806f9140c2d2777410d7a1"
ADDRESS = f"https://github.com/{SOURCE}/archive/{COMMIT}.tar.gz"
ARCHIVE = "free-spoken-digit-dataset.tar.gz"
MIRRORED = "recordings.tar"
DIGEST = "880de65579ef947f25583f2f1536215b48cd9bfe08e915cf9d4dfa130d31f38c"
"""sha256 over the sorted names of the recordings and their bytes, whatever container they come in."""
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
RATE = 8000
WINDOW = 200
"""25 ms of samples, in which speech hardly changes."""
HOP = 100
FOURIER = 512
DEPTH = 60.0
"""Decibels below the loudest moment at which a recording counts as silent."""
STEPS = 64
BANDS = 40
GRAIN = 4096
"""Levels between silence and the loudest: rounding to them gives the same inputs on every machine."""
LATER = 5
"""The first recording of each digit and speaker that is for training; those before it are for testing."""


@dataclass(frozen=True, kw_only=True)
class SpokenDigits(Task):
    """Recordings of one English digit, 0.8 seconds each, as the power in 40 bands of frequencies at 64 steps.

    Steps are 12.5 ms apart and look at 25 ms; bands are equally spaced in mel from 0 to 4,000 Hz. Power is logarithmic
    and relative to the recording's loudest: 1 there, 0 at 60 dB less and in the silence that fills up short recordings;
    3 % of the recordings are longer and cut. With `held_out`, all recordings of these speakers are for testing and all
    others for training. Groups are blocks of 8 steps × 8 bands, 40 of them. Reference: [jackson2018free]
    """

    name = "spoken_digits"
    title = "Spoken digits"
    kind = Kind.SERIES
    classes = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    axes = ("time", "feature")
    licence = "CC BY-SA 4.0"
    citation = "jackson2018free"
    about = (
        "3,000 recordings of English digits at 8 kHz: six speakers, fifty of each digit by each. As published, the "
        "first five of each digit and speaker are for testing. Every voice is then on both sides, and a model may know "
        "the voice instead of the word: spoken_digits_by_speaker is the honest split."
    )
    preprocessing = (
        "Log-mel power in 40 bands, windows of 25 ms every 12.5 ms, relative to the recording's loudest value, from 0 "
        "(60 dB less, or silence) to 1; cut or padded with silence to 64 steps."
    )
    source = f"https://github.com/{SOURCE} at commit {COMMIT}"
    features = tuple(f"{hertz:.0f} Hz" for hertz in peaks(BANDS, RATE)[1:-1])

    held_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not set(self.held_out) < set(SPEAKERS):
            raise InputError(f"Speakers to hold out are some of {', '.join(SPEAKERS)}, not {self.held_out}.")
        if self.held_out:
            self._describe(
                name="spoken_digits_by_speaker",
                title="Spoken digits by unheard speakers",
                about=(
                    "3,000 recordings of English digits at 8 kHz: six speakers, fifty of each digit by each. The two "
                    "whose names come first in the alphabet, george and jackson, are for testing, and the other four "
                    "for training, so that every voice of the test is new. Four voices are few: scores depend more on "
                    "who is held out than on the model, and their intervals, which take recordings for independent, "
                    "are too narrow."
                ),
            )

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        return cls(), cls(held_out=SPEAKERS[:2])

    def load(self, split: str) -> Samples:
        filters = mel_filters(BANDS, RATE, FOURIER)
        inputs, labels = [], []
        for name, content in sorted(recordings().items(), key=_place):
            digit, speaker, index = _parts(name)
            tested = speaker in self.held_out if self.held_out else index < LATER
            if tested == (split == "test"):
                inputs.append(_series(_sound(content), filters))
                labels.append(digit)
        return Samples(
            inputs=torch.from_numpy(np.stack(inputs)),
            labels=torch.tensor(labels),
            ids=tuple(f"{split}:{i}" for i in range(len(labels))),
        )

    def groups(self, inputs: Float[Tensor, "sample time feature"]) -> Int[Tensor, "sample time feature"]:
        return blocks(inputs, 8, 8)

    def unavailable(self) -> str | None:
        if mirror.VARIABLE not in os.environ:
            return download.unavailable(ADDRESS, ARCHIVE)
        return None if _mirrored().is_file() else mirror.unavailable(SOURCE) or f"{_mirrored()} is missing."


def recordings() -> dict[str, bytes]:
    """The content of every recording by its name, DIGIT_SPEAKER_INDEX; from the mirror where there is one, else from
    the set's public home."""
    if mirror.VARIABLE not in os.environ:
        return _unpacked(download.fetch(ADDRESS, ARCHIVE, _fault))
    if (reason := mirror.unavailable(SOURCE)) is not None:
        raise InputError(reason)
    if (fault := _fault(_mirrored())) is not None:
        raise InputError(f"{_mirrored()} is not the set of recordings that is expected: {fault}. Fetch it again.")
    return _unpacked(_mirrored())


def content_digest(files: Mapping[str, bytes]) -> str:
    """sha256 over names and the sha256 of each content, in order of the names."""
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(f"{name} {hashlib.sha256(files[name]).hexdigest()}\n".encode())
    return total.hexdigest()


def _mirrored() -> Path:
    return Path(os.environ[mirror.VARIABLE]) / SOURCE / MIRRORED


def _fault(archive: Path) -> str | None:
    """What is wrong with an archive of the recordings, or None."""
    try:
        found = content_digest(_unpacked(archive))
    except (tarfile.TarError, OSError, EOFError) as error:
        return f"it cannot be unpacked ({error})"
    return None if found == DIGEST else f"the digest of the recordings in it is {found}, not {DIGEST}"


def _unpacked(archive: Path) -> dict[str, bytes]:
    """The recordings in an archive, read one by one in memory: nothing in it is ever written to a place it names."""
    found = {}
    with tarfile.open(archive) as files:
        for member in files:
            match = re.fullmatch(r"(?:.*/)?recordings/(\d_[a-z]+_\d+)\.wav", member.name)
            content = files.extractfile(member) if match else None
            if match and content is not None:
                found[match[1]] = content.read()
    return found


def _parts(name: str) -> tuple[int, str, int]:
    """Digit, speaker and index of a recording."""
    digit, speaker, index = name.split("_")
    return int(digit), speaker, int(index)


def _place(entry: tuple[str, bytes]) -> tuple[int, int, str]:
    """The order of samples: one digit of one speaker after the other, so that any few of them are mixed."""
    digit, speaker, index = _parts(entry[0])
    return index, digit, speaker


def _sound(content: bytes) -> Float[np.ndarray, "time"]:
    """The samples of a recording."""
    with wave.open(io.BytesIO(content)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)


def _series(
    sound: Float[np.ndarray, "time"], filters: Float[np.ndarray, "band frequency"]
) -> Float[np.ndarray, "step band"]:
    """The first 64 steps of a recording, or all and then silence."""
    levels = log_mel(sound, filters, WINDOW, HOP, DEPTH)[:STEPS]
    padded = np.zeros((STEPS, BANDS), np.float32)
    padded[: len(levels)] = np.round(levels * GRAIN) / GRAIN
    return padded
