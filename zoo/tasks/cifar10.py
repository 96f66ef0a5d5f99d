"""CIFAR-10: small colour photographs of animals and vehicles."""

from dataclasses import dataclass

from zoo.pixels import PublishedImages


@dataclass(frozen=True, kw_only=True)
class Cifar10(PublishedImages):
    """Photographs of one animal or vehicle, 32 × 32, RGB, in [0, 1].

    Groups are patches of 4 × 4 pixels, 64 of them.

    When it misleads: some test images have near copies in the training split [barz2020duplicates].
    Reference: [krizhevsky2009learning]
    """

    name = "cifar10"
    title = "Photographs (CIFAR-10)"
    classes = (
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    )
    licence = "Not stated; published for research (Krizhevsky, 2009)"
    citation = "krizhevsky2009learning"
    about = (
        "60,000 photographs of 32 × 32 pixels, each of one animal or vehicle; 50,000 for training and 10,000 for "
        "testing, as published. The copy that the models here were trained and scored on went through JPEG (quality "
        "about 75) on its way, which takes detail from images this small: no accuracy on it is comparable to records "
        "on the originals. About 3 % of the test images have a near copy in the training split."
    )
    absence = "blur"  # black is a colour like any other here
    preprocessing = "RGB values over 255, as decoded from JPEG of quality about 75; nothing is centred or cropped."
    source = "uoft-cs/cifar10"
    columns = ("img", "label")
