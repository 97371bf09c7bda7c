"""Stories through every script of the queue and every branch of its answers, for tests that break each step of them."""
