"""Events that leave a service exactly when its transaction commits, and what is applied only once when they arrive."""
