//! Data sets: manifests, a verified cache, readers and generators.
//!
//! A [`Manifest`] says which files a data set has (with byte counts and sha256), under which licence
//! and where they can be had. A [`Store`] turns a name into a [`DatasetDir`]: a directory whose every
//! file was verified before it became visible. The readers turn its bytes into typed data.
//!
//! ```
//! use datasets::babi_dialog::{Regime, generate, write};
//! use rand::SeedableRng;
//! use rand_chacha::ChaCha8Rng;
//!
//! let stories = generate(Regime::PositiveNegative, 0.5, 3, ChaCha8Rng::seed_from_u64);
//! assert_eq!(stories[2].turns.len(), 5);
//! assert!(write(&stories).starts_with("1 "));
//! ```

pub mod babi_dialog;
pub mod convnet;
mod deb;
mod digest;
mod error;
mod idx;
pub mod libreoffice_help;
mod manifest;
mod mismatch;
pub mod mnist;
pub mod movieqa;
pub mod multi30k;
mod npz;
pub mod omniglot;
pub mod order_only;
mod own;
pub mod parallel;
mod pickle;
mod progress;
pub mod spoken_digits;
mod store;
pub mod timit;
pub mod torch;
pub mod translations;
pub mod video;
pub mod weizmann;

pub use digest::Digest;
pub use error::{Attempt, Error, SourceFault};
pub use idx::{Idx, IdxError};
pub use manifest::{
    Holding, Manifest, ManifestError, ManifestFile, Recipe, RecordedFile, Registry, Source,
};
pub use mismatch::Mismatch;
pub use own::{know, look_in};
pub use progress::{Progress, Step};
pub use store::{DatasetDir, Fault, Received, Report, Row, State, Store, default_cache};
