"""What brokers tell of orders by themselves, beside what they are asked."""
