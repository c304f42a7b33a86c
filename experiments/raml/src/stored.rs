//! What a stored model is, beside its weights.

use learn::KeptModel;
use serde::{Deserialize, Serialize};

use crate::corpus::StoredPieces;
use crate::params::Params;

/// How a model was made, and the pieces that it reads and says.
#[derive(Serialize, Deserialize)]
pub(crate) struct Description {
    pub(crate) params: Params,
    pub(crate) pieces: StoredPieces,
}

impl KeptModel for Description {}
