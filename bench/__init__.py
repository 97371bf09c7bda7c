"""The queue measured side by side with a raw Redis round trip, so that figures mean the same on any machine."""
