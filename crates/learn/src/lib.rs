//! Parameters, optimisers, schedules and the one training loop.
