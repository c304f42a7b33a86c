//! YAML is read in one dialect, within bounds, and written so that both dialects read the same.

#[path = "yaml/bounds.rs"]
mod bounds;
#[path = "yaml/foreign.rs"]
mod foreign;
#[path = "yaml/types.rs"]
mod types;
#[path = "yaml/written.rs"]
mod written;

use std::path::Path;
use std::sync::Arc;

use yaml::{Errors, Node, Source};

fn source(text: &str) -> Arc<Source> {
    Source::of_file(Path::new("a.yaml"), text)
}

fn tree(text: &str) -> Result<Node, yaml::Error> {
    yaml::parse(&source(text), text, 0)
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Errors> {
    yaml::from_str(Path::new("a.yaml"), text)
}
