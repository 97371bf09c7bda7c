"""The driver tried on itself: bugs that queues are known for are put into a copy of the product, one by one."""
