//! `regimen init`: writes a project that runs at once.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use experiment::is_plain_name;

use crate::arguments::Init;
use crate::commands::{Done, schema};
use crate::terminal::say;

/// Files of a project by their paths; `NAME` in these and in their texts is its name.
type Files = &'static [(&'static str, &'static str)];

const PYTHON: Files = &[
    ("configs/NAME.yaml", include_str!("../../templates/python/config.yaml")),
    ("train.py", include_str!("../../templates/python/train.py")),
    ("test_train.py", include_str!("../../templates/python/test_train.py")),
];

const COMMAND: Files = &[
    ("configs/NAME.yaml", include_str!("../../templates/command/config.yaml")),
    ("train.sh", include_str!("../../templates/command/train.sh")),
];

const ALL: Files = &[
    ("README.md", include_str!("../../templates/README.md")),
    (".gitignore", include_str!("../../templates/gitignore")),
];

/// Where editors find the schema of configurations, as their first lines say.
const SCHEMA: &str = "configs/schema.json";

/// `regimen init`: nothing that is there is written over.
pub(crate) fn init(arguments: &Init) -> Result<Done> {
    let folder = &arguments.folder;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    if !is_plain_name(&name) {
        bail!("a project's name: wanted 1 to 64 letters, digits, _ and -, found {name:?}");
    }
    let (files, program) =
        if arguments.command { (COMMAND, "train.sh") } else { (PYTHON, "train.py") };
    let all = || ALL.iter().chain(files).map(|(path, text)| (path.replace("NAME", &name), text));
    for path in all().map(|(path, _)| path).chain([SCHEMA.into()]) {
        let path = folder.join(path);
        if fs::symlink_metadata(&path).is_ok() {
            bail!("{} is there already, and nothing was written", path.display());
        }
    }
    for (path, text) in all() {
        write(&folder.join(path), &text.replace("NAME", &name).replace("PROGRAM", program))?;
    }
    write(&folder.join(SCHEMA), &schema::of_configurations())?;
    let shown = folder.display();
    say(&format!("wrote {shown}; next: cd {shown} && regimen run configs/{name}.yaml"));
    Ok(Done::Well)
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
