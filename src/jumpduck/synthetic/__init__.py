"""Images and a gallery that are generated, for the demo and the tests."""
