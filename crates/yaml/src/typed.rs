//! Types out of a document, with all mistakes at once.

use std::path::Path as FilePath;

use serde::de::DeserializeOwned;

use crate::fault::missing;
use crate::{Errors, Node, Path, Reader, Source, Trace, parse};

/// Mistakes that are told; nobody reads more.
const MOST: usize = 100;

/// Reads a type out of the text of a file, whose name is shown in errors.
///
/// # Errors
/// All mistakes, each with its place.
pub fn from_str<T: DeserializeOwned>(file: &FilePath, text: &str) -> Result<T, Errors> {
    let source = Source::of_file(file, text);
    typed(&parse(&source, text, 0)?, &Path::root())
}

/// Reads a type out of a tree that stands at `path`. What is wrong is left out to find the next mistake.
///
/// # Errors
/// All mistakes, each with its place.
pub fn typed<T: DeserializeOwned>(node: &Node, path: &Path) -> Result<T, Errors> {
    let mut rest = node.clone();
    let mut errors = Vec::new();
    let mut taken: Vec<Vec<String>> = Vec::new();
    loop {
        let trace = Trace::new(&rest, path);
        let error = match T::deserialize(Reader::new(&rest, Vec::new(), &trace)) {
            Ok(value) => return Errors::sorted(errors).map_or(Ok(value), Err),
            Err(fault) => trace.error(fault.0),
        };
        drop(trace);
        let below = error.path.keys().get(path.keys().len()..).unwrap_or_default().to_vec();
        let misses = |path: &Vec<String>| {
            let (key, above) = path.split_last().expect("something was taken out");
            above == below && error.message == missing(key)
        };
        let again = taken.iter().any(misses);
        if !again {
            errors.push(error);
        }
        if again || errors.len() == MOST || !rest.take_out(&below) {
            return Err(Errors::sorted(errors).expect("a mistake was found"));
        }
        taken.push(below);
    }
}
