"""What tests of the event-broker share."""
