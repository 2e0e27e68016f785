"""
The benchmark's depthwise-separable network: 24,908 parameters, batch normalization counted.

From the paper "Hello Edge: Keyword Spotting on Microcontrollers" (2017), in the size that MLPerf Tiny uses:
one convolution (64 filters of 10 x 4, stride 2), four blocks of a depthwise 3 x 3 and a pointwise
convolution, an average over the map, and a dense layer with softmax.
"""

from __future__ import annotations

from typing import Any

PARAMETERS = 24_908
FILTERS = 64
BLOCKS = 4
CLASSES = 12
MAP_SHAPE = (25, 5)


def build_ds_cnn() -> Any:
    """
    Build the network, untrained.

    Returns:
        A Keras model: float32 (batch, 49, 10, 1) in, probabilities (batch, 12) out.
    """
    import tensorflow as tf

    layers = tf.keras.layers

    def normalize(x: Any) -> Any:
        return layers.ReLU()(layers.BatchNormalization()(x))

    image = layers.Input((49, 10, 1), name="input_1")
    x = normalize(layers.Conv2D(FILTERS, (10, 4), strides=(2, 2), padding="same")(image))
    x = layers.Dropout(0.1)(x)
    for _ in range(BLOCKS):
        x = normalize(layers.DepthwiseConv2D((3, 3), padding="same")(x))
        x = normalize(layers.Conv2D(FILTERS, (1, 1), padding="same")(x))
    x = layers.Dropout(0.3)(x)
    x = layers.Flatten()(layers.AveragePooling2D(MAP_SHAPE)(x))
    return tf.keras.Model(image, layers.Dense(CLASSES, activation="softmax")(x))
