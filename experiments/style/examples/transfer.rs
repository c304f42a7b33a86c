//! The tool `transfer` by itself, with its arguments as one JSON object: for whoever works on this crate
//! and does not want to build the whole program.
//!
//! `cargo run --release -p style --example transfer -- '{"content": "a.png", "style": ["b.jpg"]}'`

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use experiment::{DataPaths, Experiment, Host, ToolContext};
use style::Style;

/// Writes files, replaces those that it wrote, and shows progress on standard error.
#[derive(Default)]
struct Terminal(BTreeSet<PathBuf>);

impl Host for Terminal {
    #[expect(clippy::print_stderr, reason = "the progress of a program")]
    fn progress(&mut self, done: u64, total: u64) {
        if done.is_multiple_of(25) {
            eprintln!("{done} of {total}");
        }
    }

    fn interrupted(&mut self) -> bool {
        false
    }

    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if path.exists() && !self.0.contains(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.0.insert(path.into());
        std::fs::write(path, bytes)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = std::env::args().nth(1).ok_or("wanted a JSON object, found no argument")?;
    let mirror = std::env::var_os("REGIMEN_MIRROR").map(PathBuf::from);
    let data = DataPaths { cache: datasets::default_cache()?, mirror, offline: false };
    let mut context = ToolContext {
        input: &mut io::empty(),
        output: &mut io::stdout(),
        data,
        artifacts: "artifacts".into(),
        verify: &|_, _, _| Ok(()),
        host: &mut Terminal::default(),
    };
    autodiff::set_threads(2);
    let tools = Style::tools();
    let made = tools[0].run(serde_json::from_str(&arguments)?, &mut context);
    made.map_err(|error| error.chain().into())
}
