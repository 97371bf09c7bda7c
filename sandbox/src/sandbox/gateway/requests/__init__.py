"""Requests from the client, one file a family: each handler reads its fields and answers on the session."""
