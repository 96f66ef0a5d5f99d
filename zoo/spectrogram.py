"""Spectrograms: how much power a sound has in each band of frequencies, moment by moment."""

import numpy as np
from jaxtyping import Float


def peaks(bands: int, rate: int) -> Float[np.ndarray, "corner"]:
    """Where the bands of a sound of this rate peak, in hertz, with 0 and half the rate before and after them: equally
    spaced as pitch is heard, in mel = 2595 log₁₀(1 + f / 700). Reference: [davis1980comparison]"""
    top = 2595 * np.log10(1 + rate / 2 / 700)
    return 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)


def mel_filters(bands: int, rate: int, size: int) -> Float[np.ndarray, "band frequency"]:
    """Triangles over the frequencies of a Fourier transform of `size` samples: each rises from its lower neighbour's
    peak to 1 at its own, and falls to 0 at the next one's. Reference: [davis1980comparison]"""
    frequencies = np.fft.rfftfreq(size, 1 / rate)
    corners = peaks(bands, rate)[:, None]
    left, peak, right = corners[:-2], corners[1:-1], corners[2:]
    rising, falling = (frequencies - left) / (peak - left), (right - frequencies) / (right - peak)
    return np.clip(np.minimum(rising, falling), 0, None)


def power(sound: Float[np.ndarray, "time"], window: int, hop: int, size: int) -> Float[np.ndarray, "step frequency"]:
    """|Fourier transform|² of stretches of `window` samples, `hop` apart, under a Hann window and padded with zeros to
    `size`; the sound itself is padded with zeros to whole stretches."""
    steps = 1 + max(0, -(-(len(sound) - window) // hop))
    padded = np.zeros(window + hop * (steps - 1))
    padded[: len(sound)] = sound
    stretches = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    return np.abs(np.fft.rfft(stretches * np.hanning(window + 2)[1:-1], size)) ** 2


def log_mel(
    sound: Float[np.ndarray, "time"], filters: Float[np.ndarray, "band frequency"], window: int, hop: int, depth: float
) -> Float[np.ndarray, "step band"]:
    """Power in each band on a logarithmic scale: 1 in the loudest band of the loudest moment, 0 where there is
    `depth` decibels less or nothing."""
    bands = power(sound, window, hop, 2 * (filters.shape[1] - 1)) @ filters.T
    decibels = 10 * np.log10(np.maximum(bands, np.finfo(float).tiny))
    return np.clip(1 + (decibels - decibels.max()) / depth, 0, 1)
