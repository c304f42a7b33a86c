//! Random generators as a function of seed, stream name and index.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// A named family of random generators, one for each index.
///
/// Randomness is a function of (seed, stream, index): a batch can be drawn again, backwards, on
/// another machine or after a restart.
///
/// ```
/// use experiment::Stream;
/// use rand::RngExt;
///
/// let batches = Stream::new(7, "batches");
/// let late: u32 = batches.rng(1000).random();
/// let again: u32 = Stream::new(7, "batches").rng(1000).random();
/// assert_eq!(late, again);
/// ```
#[derive(Debug, Clone)]
pub struct Stream {
    key: [u8; 32],
}

impl Stream {
    /// The stream `name` of a run's seed.
    pub fn new(seed: u64, name: &str) -> Self {
        let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(name).finalize();
        let mut key = [0; 32];
        key.copy_from_slice(&digest);
        Self { key }
    }

    /// The generator at `index`.
    pub fn rng(&self, index: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::from_seed(self.key);
        rng.set_stream(index);
        rng
    }
}
