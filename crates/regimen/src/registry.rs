use anyhow::{Result, anyhow};
use experiment::Entry;

/// The papers this binary ships.
pub(crate) fn entries() -> Vec<Entry> {
    [
        Entry::of::<dialog::Dialog>(),
        Entry::of::<hypergrad::Hypergrad<Targets>>(),
        Entry::of::<descent::Descent>(),
        Entry::of::<command::Command>(),
    ]
    .map(|entry| entry.with_threads(autodiff::set_threads))
    .into()
}

/// Experiments that `hypergrad` can learn a schedule for.
struct Targets;

impl hypergrad::Targets for Targets {
    fn entries() -> Vec<Entry> {
        vec![Entry::of::<dialog::Dialog>()]
    }
}

/// The paper of a name.
pub(crate) fn named(name: &str) -> Result<Entry> {
    let entries = entries();
    entries.iter().copied().find(|entry| entry.name == name).ok_or_else(|| {
        let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
        anyhow!("no command or experiment {name:?}; experiments are: {}", names.join(", "))
    })
}
