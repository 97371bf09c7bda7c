"""`rebalancer demo`: one signal in, two accounts rebalanced, one previewed, everything proved from outside."""
