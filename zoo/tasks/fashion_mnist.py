"""Fashion-MNIST: photographs of clothes, as small and grey as handwritten digits but harder to tell apart."""

from dataclasses import dataclass

from zoo.pixels import PublishedImages


@dataclass(frozen=True, kw_only=True)
class FashionMnist(PublishedImages):
    """Images of one piece of clothing, 28 × 28, grey, in [0, 1], bright on black.

    Groups are patches of 4 × 4 pixels, 49 of them. Reference: [xiao2017fashion]
    """

    name = "fashion_mnist"
    title = "Clothes (Fashion-MNIST)"
    classes = (
        *("T-shirt or top", "trousers", "pullover", "dress", "coat"),
        *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
    )
    licence = "MIT (Zalando SE)"
    citation = "xiao2017fashion"
    about = (
        "70,000 photographs of clothes from the catalogue of a shop, cut out, shrunk to 28 × 28 grey pixels and "
        "inverted, so that the background is exactly black; 60,000 for training and 10,000 for testing, as published. "
        "Shirts, T-shirts, pullovers and coats are much alike at this size: the authors report that people without "
        "training find the label of about 84 % of the images."
    )
    preprocessing = "Grey values over 255; nothing is centred, cropped or left out."
    source = "zalando-datasets/fashion_mnist"
    columns = ("image", "label")
