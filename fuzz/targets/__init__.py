"""What is fuzzed: in each file a function that takes any bytes and fails if a promise is broken."""
