"""Messages to the client, one file a family: pure functions from values of the world to fields."""
