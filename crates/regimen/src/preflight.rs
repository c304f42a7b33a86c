//! What runs need of this machine, before the first of them starts.

use std::path::Path;

use datasets::{Store, default_cache};
use orchestrator::needs::{Need, Supply, Wanted, What, free_bytes, size, writable};

use crate::arguments::DataOptions;
use crate::commands::datasets as fetching;
use crate::plans::Planned;
use crate::published;
use crate::terminal::say;

/// Whether what runs want is here.
pub(crate) fn needs(
    wanted: &Wanted,
    plans: &[Planned],
    data: &DataOptions,
    store: &Path,
) -> Vec<Need> {
    let mut needs: Vec<Need> =
        wanted.data.iter().map(|(name, runs)| data_set(name, *runs, data)).collect();
    for (word, &runs) in &wanted.programs {
        let supply = command::find(word)
            .map_or_else(|error| Supply::missing(error.to_string(), ""), |_| Supply::Here);
        needs.push(Need { what: What::Program(word.clone()), runs, supply });
    }
    let starting: usize = wanted.programs.values().sum();
    if starting > 0 {
        needs.push(temporary(starting));
    }
    if wanted.runs > 0 {
        let (what, supply) = (What::Store(store.into()), writable(store, true));
        needs.push(Need { what, runs: wanted.runs, supply });
    }
    for (name, &runs) in &wanted.published {
        let supply = match missing_published(name, plans, store) {
            Some(why) => Supply::missing(why, "own numbers are shown without it"),
            None => Supply::Here,
        };
        needs.push(Need { what: What::Published(name.clone()), runs, supply });
    }
    needs
}

/// Why the published numbers of a table are nowhere.
fn missing_published(name: &str, plans: &[Planned], store: &Path) -> Option<String> {
    let names = |planned: &&Planned| {
        let mut tables = planned.plan.tables.iter();
        tables.any(|table| table.published.as_deref() == Some(name))
    };
    let beside = |planned: &Planned| published::library(Some(&planned.path), store).find(name);
    let error = plans.iter().filter(names).find_map(|planned| beside(planned).err())?;
    Some(match error {
        tables::Error::NotPublished { nearest, .. } => {
            let hint = nearest.map(|near| format!(" (did you mean {near}?)"));
            format!("there is none of this name{}", hint.unwrap_or_default())
        }
        error => error.to_string(),
    })
}

fn temporary(runs: usize) -> Need {
    let folder = std::env::temp_dir();
    let supply = match writable(&folder, false) {
        Supply::Missing { why, remedy } if remedy.is_empty() => {
            Supply::missing(why, "make it, or set TMPDIR to a folder that is there")
        }
        supply => supply,
    };
    Need { what: What::Temporary(folder), runs, supply }
}

fn data_set(name: &str, runs: usize, options: &DataOptions) -> Need {
    let need = |bytes, download, supply| Need {
        what: What::Data { name: name.into(), bytes, download },
        runs,
        supply,
    };
    let cache = match default_cache() {
        Ok(cache) => cache,
        Err(error) => {
            return need(0, None, Supply::missing(error.to_string(), "set REGIMEN_CACHE"));
        }
    };
    let store = Store::new(&cache, options.mirror.as_deref(), options.offline);
    let manifest = match store.manifest(name) {
        Ok(manifest) => manifest,
        Err(error) => return need(0, None, Supply::missing(error.to_string(), "")),
    };
    let bytes = manifest.bytes();
    match store.path(name) {
        Ok(_) => return need(bytes, None, Supply::Here),
        Err(datasets::Error::Absent { .. }) => {}
        Err(error) => return need(bytes, None, Supply::missing(error.to_string(), "")),
    }
    let is_mirrored = store.is_mirrored(name).unwrap_or(false);
    // One that is about as large as the files says nothing.
    let download = manifest.download_bytes().filter(|all| !is_mirrored && *all > 2 * bytes);
    let supply = if options.offline && !is_mirrored {
        unreachable_data(name, options)
    } else {
        room(&cache, bytes + download.unwrap_or_default())
    };
    need(bytes, download, supply)
}

fn unreachable_data(name: &str, options: &DataOptions) -> Supply {
    let own = Store::new(Path::new(""), None, true)
        .manifest(name)
        .ok()
        .and_then(|manifest| manifest.folder.as_ref().map(|folder| folder.join(name)));
    if let Some(folder) = own {
        let why = format!("neither the cache nor {} has all of it", folder.display());
        return Supply::missing(why, format!("put its files into {}", folder.display()));
    }
    let why = match &options.mirror {
        Some(mirror) => format!("neither the cache nor the mirror {} has it", mirror.display()),
        None => "it is not in the cache, and no mirror is given".into(),
    };
    let remedy = format!(
        "`regimen datasets fetch {name}` fetches it, `--mirror DIR` names a folder that has it"
    );
    Supply::missing(why, remedy)
}

/// Whether the cache has room for what is to be fetched.
fn room(cache: &Path, bytes: u64) -> Supply {
    match free_bytes(cache) {
        Some(free) if free < bytes => Supply::missing(
            format!("only {} are free for it on the disk of {}", size(free), cache.display()),
            "make room, or set REGIMEN_CACHE to another folder",
        ),
        _ => Supply::Fetched,
    }
}

/// Fetches what can be fetched. What cannot is missing from then on.
pub(crate) fn fetch(needs: &mut [Need], options: &DataOptions) {
    let Ok(store) = fetching::store(options) else { return };
    for need in needs.iter_mut().filter(|need| need.supply == Supply::Fetched) {
        let What::Data { name, bytes, .. } = &need.what else { continue };
        say(&format!("fetching {name} ({})", size(*bytes)));
        need.supply = match fetching::fetch(&store, name) {
            Ok(_) => Supply::Here,
            Err(error) => Supply::missing(
                format!("it could not be fetched: {}", last_line(&error)),
                format!("`regimen datasets fetch {name}` tries again"),
            ),
        };
    }
}

/// Why the last source failed, which is the one that most depends on.
fn last_line(error: &datasets::Error) -> String {
    match error {
        datasets::Error::Fetch { attempts, .. } if !attempts.is_empty() => {
            let last = &attempts[attempts.len() - 1];
            format!("{}: {}", last.source, last.reason)
        }
        error => error.to_string(),
    }
}
