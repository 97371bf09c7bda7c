"""Small processes made of the product's queue code, with a brokerage that only writes down what it is sent."""
