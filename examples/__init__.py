"""Programs that use the library for real jobs, each in a folder that can be copied and started from."""
