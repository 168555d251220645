"""What is fuzzed: one function a file, which takes any bytes and fails if a promise is broken."""
