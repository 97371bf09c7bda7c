"""Real servers and honest fakes for the tests of every package; needs the extra `testing`."""
