//! Configurations, good and malformed, as `regimen` reads them.

#[path = "config/composition.rs"]
mod composition;
#[path = "config/expansion.rs"]
mod expansion;
#[path = "config/grammar.rs"]
mod grammar;
#[path = "config/malformed.rs"]
mod malformed;
#[path = "config/sweeps.rs"]
mod sweeps;
#[path = "config/toy.rs"]
mod toy;
