//! `regimen init`: writes a project that runs at once.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use experiment::is_plain_name;

use crate::arguments::Init;
use crate::commands::{Done, schema};
use crate::terminal::say;

/// Files of a project by their paths; {{name}} in these and in their texts is its name.
type Files = &'static [(&'static str, &'static str)];

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("../../templates/", $path))
    };
}

const PYTHON: Files = &[
    ("configs/{{name}}.yaml", template!("python/config.yaml")),
    ("train.py", template!("python/train.py")),
    ("test_train.py", template!("python/test_train.py")),
    ("README.md", template!("README.md")),
    (".gitignore", template!("gitignore")),
];

const COMMAND: Files = &[
    ("configs/{{name}}.yaml", template!("command/config.yaml")),
    ("train.sh", template!("command/train.sh")),
    ("README.md", template!("README.md")),
    (".gitignore", template!("gitignore")),
];

const RUST: Files = &[
    ("Cargo.toml", template!("rust/manifest.toml")),
    ("src/main.rs", template!("rust/main.rs")),
    ("src/paper.rs", template!("rust/paper.rs")),
    ("configs/{{name}}.yaml", template!("rust/config.yaml")),
    ("README.md", template!("rust/README.md")),
    (".gitignore", template!("rust/gitignore")),
];

/// Where editors find the schema of configurations, as their first lines say.
const SCHEMA: &str = "configs/schema.json";

/// `regimen init`: nothing that is there is written over.
pub(crate) fn init(arguments: &Init) -> Result<Done> {
    let Init { folder, python: _, command, rust, checkout } = arguments;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    if !is_plain_name(&name) {
        bail!("a project's name: wanted 1 to 64 letters, digits, _ and -, found {name:?}");
    }
    if *rust && !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        bail!("the name of a crate begins with a letter, found {name:?}");
    }
    let (files, program, next) = match (rust, command) {
        (true, _) => (RUST, "src/paper.rs", "cargo run --release --"),
        (_, true) => (COMMAND, "train.sh", "regimen"),
        _ => (PYTHON, "train.py", "regimen"),
    };
    let checkout = checkout.as_deref().map(crates_of).transpose()?.unwrap_or_default();
    let filled = |text: &str| {
        text.replace("{{name}}", &name)
            .replace("{{program}}", program)
            .replace("{{version}}", env!("CARGO_PKG_VERSION"))
            .replace("{{checkout}}", &checkout)
    };
    let filled = |(path, text): &(&str, &str)| (folder.join(filled(path)), filled(text));
    let mut files: Vec<(PathBuf, String)> = files.iter().map(filled).collect();
    // A crate has experiments that are not known here; its program prints its own.
    if !rust {
        files.push((folder.join(SCHEMA), schema::of_configurations()));
    }
    for (path, _) in &files {
        if fs::symlink_metadata(path).is_ok() {
            bail!("{} is there already, and nothing was written", path.display());
        }
    }
    for (path, text) in &files {
        write(path, text)?;
    }
    let shown = folder.display();
    say(&format!("wrote {shown}; next: cd {shown} && {next} run configs/{name}.yaml"));
    Ok(Done::Well)
}

/// What a manifest says of where the crates of a checkout of regimen are.
fn crates_of(checkout: &Path) -> Result<String> {
    let path = checkout.join("crates/regimen");
    let path = fs::canonicalize(&path)
        .with_context(|| format!("--checkout: no crate regimen at {}", path.display()))?;
    let path = path.to_str().with_context(|| format!("{}: no UTF-8", path.display()))?;
    Ok(format!("path = {path:?}, "))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
