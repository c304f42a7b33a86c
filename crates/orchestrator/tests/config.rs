//! Configurations, good and malformed, as `regimen` reads them.

#[path = "config/arguments.rs"]
mod arguments;
#[path = "config/composition.rs"]
mod composition;
#[path = "config/expansion.rs"]
mod expansion;
#[path = "config/grammar.rs"]
mod grammar;
#[path = "config/malformed.rs"]
mod malformed;
#[path = "config/names.rs"]
mod names;
#[path = "config/needs.rs"]
mod needs;
#[path = "config/shown.rs"]
mod shown;
#[path = "config/sweeps.rs"]
mod sweeps;
#[path = "config/toy.rs"]
mod toy;
#[path = "config/values.rs"]
mod values;
#[path = "config/whole.rs"]
mod whole;
#[path = "config/written.rs"]
mod written;
