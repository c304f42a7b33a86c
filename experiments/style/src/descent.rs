//! Descent over the values of a picture, an evaluation at a time: L-BFGS, or Adam.

mod adam;

use experiment::Error;
use learn::{Lbfgs, LbfgsSettings, Progress};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evaluation::Losses;
use adam::Adam;

/// How a picture is changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    /// Limited-memory BFGS with a line search.
    #[default]
    Lbfgs,
    /// Adam (Kingma & Ba 2015).
    Adam,
}

/// A descent under way.
pub(crate) struct Descent {
    search: Search,
    /// Those of the last evaluation.
    last: Losses,
    /// Those of the best picture so far.
    best: Losses,
}

enum Search {
    Lbfgs(Box<Lbfgs>),
    Adam(Adam),
}

impl Descent {
    /// A descent from a picture. `history` is the number of steps that L-BFGS remembers,
    /// `rate` the step size of Adam.
    pub(crate) fn new(optimizer: Optimizer, history: usize, rate: f64, start: Vec<f64>) -> Self {
        let search = match optimizer {
            Optimizer::Lbfgs => {
                // It ends where rounding does not let the loss fall any more.
                let settings = LbfgsSettings {
                    history,
                    gradient_tolerance: 0.0,
                    value_tolerance: 0.0,
                    ..LbfgsSettings::default()
                };
                Search::Lbfgs(Box::new(Lbfgs::new(start, settings)))
            }
            Optimizer::Adam => Search::Adam(Adam::new(start, rate)),
        };
        let unknown = Losses { total: f64::INFINITY, ..Losses::default() };
        Self { search, last: unknown.clone(), best: unknown }
    }

    /// Evaluates one picture; whether there is another one to look at.
    ///
    /// # Errors
    /// Those of `losses`, which gives the losses of a picture and writes their gradient.
    pub(crate) fn evaluate<E>(
        &mut self,
        mut losses: impl FnMut(&[f64], &mut [f64]) -> Result<Losses, E>,
    ) -> Result<bool, E> {
        let Self { search, last, best } = self;
        let mut value = |picture: &[f64], gradient: &mut [f64]| {
            *last = losses(picture, gradient)?;
            Ok::<_, E>(last.total)
        };
        let (goes_on, lowest) = match search {
            Search::Lbfgs(search) => {
                let progress = search.evaluate(&mut value)?;
                (!matches!(progress, Progress::Ended(_)), search.value())
            }
            Search::Adam(adam) => (adam.evaluate(&mut value)?, adam.lowest()),
        };
        // A line search moves on to the last picture that it looked at, or to none.
        if lowest.to_bits() == last.total.to_bits() {
            best.clone_from(last);
        }
        Ok(goes_on)
    }

    /// The picture with the lowest loss so far.
    pub(crate) fn picture(&self) -> &[f64] {
        match &self.search {
            Search::Lbfgs(search) => search.point(),
            Search::Adam(adam) => adam.best(),
        }
    }

    /// Its losses, with an infinite sum before the first evaluation.
    pub(crate) fn losses(&self) -> &Losses {
        &self.best
    }

    /// All that later evaluations depend on.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] for what MessagePack does not have.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let search = match &self.search {
            Search::Lbfgs(search) => Kept::Lbfgs(search.to_bytes()),
            Search::Adam(adam) => Kept::Adam(adam.clone()),
        };
        rmp_serde::to_vec_named(&(search, &self.last, &self.best)).map_err(unreadable)
    }

    /// The descent that [`to_bytes`](Self::to_bytes) wrote, over pictures of `len` values.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] for that of another picture.
    pub(crate) fn from_bytes(bytes: &[u8], len: usize) -> Result<Self, Error> {
        let (kept, last, best): (Kept, Losses, Losses) =
            rmp_serde::from_slice(bytes).map_err(unreadable)?;
        let search = match kept {
            Kept::Lbfgs(bytes) => {
                Search::Lbfgs(Box::new(Lbfgs::from_bytes(&bytes).map_err(Error::Checkpoint)?))
            }
            Kept::Adam(adam) => Search::Adam(adam.checked().map_err(Error::Checkpoint)?),
        };
        let descent = Self { search, last, best };
        let found = descent.picture().len();
        if found != len {
            let message = format!("wanted a picture of {len} values, found {found}");
            return Err(Error::Checkpoint(message));
        }
        Ok(descent)
    }
}

/// A search as it is written down.
#[derive(Serialize, Deserialize)]
enum Kept {
    #[serde(with = "serde_bytes")]
    Lbfgs(Vec<u8>),
    Adam(Adam),
}

fn unreadable(error: impl std::fmt::Display) -> Error {
    Error::Checkpoint(format!("descent: {error}"))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// Half of `x^2 + 10 y^2`.
    fn bowl(picture: &[f64], gradient: &mut [f64]) -> Result<Losses, Infallible> {
        (gradient[0], gradient[1]) = (picture[0], 10.0 * picture[1]);
        let content = 0.5 * picture[0].powi(2);
        let style = 5.0 * picture[1].powi(2);
        let (content, style, total) = (vec![content], vec![style], content + style);
        Ok(Losses { total, content, style, variation: 0.0 })
    }

    #[test]
    fn both_find_the_bottom_and_keep_the_losses_of_the_best_picture() {
        for optimizer in [Optimizer::Lbfgs, Optimizer::Adam] {
            let mut descent = Descent::new(optimizer, 5, 0.5, vec![6.0, -4.0]);
            for _ in 0..400 {
                if !descent.evaluate(bowl).unwrap() {
                    break;
                }
                let best = descent.picture().to_vec();
                assert_eq!(descent.losses(), &bowl(&best, &mut [0.0; 2]).unwrap());
            }
            assert!(descent.losses().total < 1e-3, "{optimizer:?}: {:?}", descent.losses());
        }
    }

    #[test]
    fn what_was_written_down_goes_on_with_the_same_bits() {
        for optimizer in [Optimizer::Lbfgs, Optimizer::Adam] {
            let mut whole = Descent::new(optimizer, 3, 0.5, vec![6.0, -4.0]);
            let mut parts = Descent::new(optimizer, 3, 0.5, vec![6.0, -4.0]);
            for _ in 0..12 {
                whole.evaluate(bowl).unwrap();
                parts.evaluate(bowl).unwrap();
                parts = Descent::from_bytes(&parts.to_bytes().unwrap(), 2).unwrap();
                assert_eq!(whole.picture(), parts.picture());
                assert_eq!(whole.losses(), parts.losses());
            }
            let error = Descent::from_bytes(&whole.to_bytes().unwrap(), 3).err().unwrap();
            assert!(error.to_string().ends_with("wanted a picture of 3 values, found 2"));
        }
    }
}
