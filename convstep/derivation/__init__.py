"""Where each number of a Step comes from: sums of products, with every factor named."""
