"""What several test modules use. A test module imports from here, never from another one."""
