"""The paper in reading order: planes, blocks, decoder, exact search, corrections, decoding."""
