//! Nothing recorded is lost: kills, damage, and drivers beside each other.

#[path = "chaos/damage.rs"]
mod damage;
#[path = "chaos/drivers.rs"]
mod drivers;
#[path = "chaos/kills.rs"]
mod kills;
#[path = "support/skipped.rs"]
mod skipped;
#[path = "chaos/stages.rs"]
mod stages;
#[path = "chaos/sweep.rs"]
mod sweep;
