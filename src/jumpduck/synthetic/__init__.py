"""Generated images and a generated gallery of them, for the demo and the tests."""
