//! The file operations of claims and heartbeats, with a place for faults before each of them.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::Error;

/// What happens before an operation: it is given what is to be done, such as `claim` or `beat`, and to
/// which path.
type Hook = Arc<dyn Fn(&'static str, &Path) -> io::Result<()> + Send + Sync>;

/// The file system as claims and heartbeats see it.
#[derive(Clone, Default)]
pub struct Disk(Option<Hook>);

impl Disk {
    /// One in which something happens before each operation: an error is taken for the operation's own,
    /// and a hook that sleeps makes a slow file system.
    pub fn with(
        hook: impl Fn(&'static str, &Path) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(hook)))
    }

    /// What comes before an operation.
    pub(crate) fn before(&self, what: &'static str, path: &Path) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |hook| hook(what, path))
    }

    /// The same, with an error that names operation and path.
    pub(crate) fn check(&self, what: &'static str, path: &Path) -> Result<(), Error> {
        self.before(what, path).map_err(Error::store(what, path))
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Disk").field(&self.0.is_some()).finish()
    }
}
