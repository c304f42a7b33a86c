//! YAML with places: every file that is read as YAML is read here, in one dialect.
//!
//! The dialect is the core schema of YAML 1.2: `no` is text, `012` is twelve, `1_000` is text. A document
//! has bounds on its size, depth and on what aliases repeat; keys are distinct; what is wrong is told as
//! `file:line:column: path: message` with the line below. [`from_str`] reads a type and tells all
//! mistakes at once, [`parse()`] gives the tree, and [`to_string`] writes what both dialects of YAML read
//! back as the same.

mod access;
mod deserialize;
mod error;
mod fault;
mod nearest;
mod node;
mod parse;
mod path;
mod scalar;
mod source;
mod typed;
mod write;

pub use deserialize::{Overlay, Reader, Trace};
pub use error::{Error, Errors};
pub use fault::Fault;
pub use nearest::{hint, nearest};
pub use node::{Content, Key, Node};
pub use parse::{DEEPEST, parse, parse_foreign};
pub use path::Path;
pub use scalar::{float, resolve};
pub use serde_yaml::{Error as WriteError, Mapping, Value, to_value};
pub use source::{LARGEST, Origin, Source, Span};
pub use typed::{from_str, typed};
pub use write::{to_string, write};
