def sample_layer(name=None):
    pass
