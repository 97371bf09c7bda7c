"""The driver tried on itself: twelve bugs that queues are known for are put into a copy of the product, one by one."""
